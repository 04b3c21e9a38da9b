#include "config/cpus.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <string>

namespace tandem::config {
namespace {

namespace fs = std::filesystem;

// A /proc and a /sys of the test's own.
class Cpus : public testing::Test {
 protected:
  Cpus() {
    std::string name = (fs::temp_directory_path() / "tandem-cpus-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    root_ = name;
  }
  ~Cpus() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  fs::path root_;
};

TEST_F(Cpus, AreThoseOfTheAffinityMaskWithoutGroups) {
  EXPECT_EQ(usable_cpus(6, root_), 6u);
  EXPECT_GE(affinity_cpus(), 1u);
  EXPECT_GE(usable_cpus(), 1u);
}

TEST_F(Cpus, AreCutToTheQuotaOfVersion2RoundedUp) {
  write("proc/self/cgroup", "0::/app/web\n");
  write("sys/fs/cgroup/app/web/cpu.max", "250000 100000\n");
  EXPECT_EQ(usable_cpus(8, root_), 3u);
  EXPECT_EQ(usable_cpus(2, root_), 2u);
}

TEST_F(Cpus, CountTheQuotaOfGroupsAbove) {
  write("proc/self/cgroup", "0::/app/web\n");
  write("sys/fs/cgroup/app/web/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/app/cpu.max", "100000 100000\n");
  EXPECT_EQ(usable_cpus(8, root_), 1u);
}

TEST_F(Cpus, FindTheQuotaOfAContainerThatSeesOnlyItsOwnGroup) {
  write("proc/self/cgroup", "0::/../../docker/abc\n");
  write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(usable_cpus(8, root_), 1u);
}

TEST_F(Cpus, AreCutToTheQuotaOfVersion1) {
  write("proc/self/cgroup", "4:memory:/app\n3:cpu,cpuacct:/app\n0::/\n");
  write("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "400000\n");
  write("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable_cpus(8, root_), 4u);
  write("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(usable_cpus(8, root_), 8u);
}

TEST_F(Cpus, IgnoreFilesThatMakeNoSense) {
  write("proc/self/cgroup", "nonsense\n0::/app\n");
  write("sys/fs/cgroup/app/cpu.max", "zero 0\n");
  EXPECT_EQ(usable_cpus(8, root_), 8u);
}

}  // namespace
}  // namespace tandem::config
