#include "config/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

namespace tandem::config {
namespace {

namespace fs = std::filesystem;

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

// "50000 100000" or "max 100000" (version 2).
double quota_of_version_2(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return kNoLimit;
  return std::strtod(quota.c_str(), nullptr) / period;
}

// -1 means no limit (version 1).
double quota_of_version_1(const fs::path& group) {
  double quota = -1, period = 0;
  std::ifstream(group / "cpu.cfs_quota_us") >> quota;
  std::ifstream(group / "cpu.cfs_period_us") >> period;
  return quota > 0 && period > 0 ? quota / period : kNoLimit;
}

// The least quota of a group and of its ancestors. In a container the group may be named as the host sees it while only
// its own part of the tree is mounted: what does not exist gives no limit, and the mount's root is looked at as well.
template <class Quota>
double least_quota(const fs::path& mount, fs::path group, Quota quota) {
  double least = kNoLimit;
  for (group = group.relative_path(); !group.empty(); group = group.parent_path())
    least = std::min(least, quota(mount / group));
  return std::min(least, quota(mount));
}

bool lists_cpu(std::string_view controllers) {
  while (true) {
    const auto comma = controllers.find(',');
    if (controllers.substr(0, comma) == "cpu") return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
}

double cpu_quota(const fs::path& root) {
  const auto mounts = root / "sys/fs/cgroup";
  double least = kNoLimit;
  std::ifstream file(root / "proc/self/cgroup");
  // Each line is "number:controllers:path"; version 2 is number 0 without controllers.
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, least_quota(mounts, group, quota_of_version_2));
      least = std::min(least, least_quota(mounts / "unified", group, quota_of_version_2));
    } else if (lists_cpu(controllers)) {
      least = std::min(least, least_quota(mounts / controllers, group, quota_of_version_1));
      least = std::min(least, least_quota(mounts / "cpu", group, quota_of_version_1));
    }
  }
  return least;
}

}  // namespace

unsigned affinity_cpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&mask)));
}

unsigned usable_cpus(unsigned affinity, const fs::path& root) {
  const double quota = std::ceil(cpu_quota(root));
  return quota < affinity ? std::max(1u, static_cast<unsigned>(quota)) : std::max(1u, affinity);
}

}  // namespace tandem::config
