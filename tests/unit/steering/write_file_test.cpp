#include "steering/write_file.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "unit/steering/temporary_folder.hpp"

namespace tandem::steering {
namespace {

constexpr WriteStep kSteps[] = {WriteStep::open, WriteStep::write, WriteStep::sync, WriteStep::rename,
                                WriteStep::sync_directory};

TEST(WriteFile, ReplacesWhatWasThere) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "a", "old"));
  ASSERT_TRUE(write_file(folder / "a", "new"));
  EXPECT_EQ(content_of(folder / "a"), "new");
  EXPECT_FALSE(std::filesystem::exists(folder / "a.new"));
}

TEST(WriteFile, FailureLeavesTheOldAndSaysWhy) {
  const TemporaryFolder folder;
  for (const auto at : kSteps) {
    ASSERT_TRUE(write_file(folder / "a", "old"));
    const auto result = write_file(folder / "a", "new", [at](WriteStep step) { return step == at ? ENOSPC : 0; });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, "state.not_written");
    EXPECT_NE(result.error().message.find("No space left on device"), std::string::npos) << result.error().message;
    EXPECT_EQ(content_of(folder / "a"), at == WriteStep::sync_directory ? "new" : "old");
    EXPECT_FALSE(std::filesystem::exists(folder / "a.new"));
  }
}

// The process is killed before each step in turn: what is at the path is the old content or the new one.
TEST(WriteFile, KilledAtAnyStepLeavesOldOrNew) {
  const TemporaryFolder folder;
  const std::string old_content(100'000, 'o');
  const std::string new_content(200'000, 'n');
  for (const auto at : kSteps) {
    ASSERT_TRUE(write_file(folder / "a", old_content));
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto result = write_file(folder / "a", new_content, [at](WriteStep step) {
        if (step == at) ::raise(SIGKILL);
        return 0;
      });
      ::_exit(result ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(content_of(folder / "a"), at == WriteStep::sync_directory ? new_content : old_content);
    // What the killed one left beside it is in nobody's way.
    ASSERT_TRUE(write_file(folder / "a", "next"));
    EXPECT_EQ(content_of(folder / "a"), "next");
  }
}

TEST(WriteFile, ReadsWhatIsThereAndKnowsWhatIsNot) {
  const TemporaryFolder folder;
  auto missing = read_file(folder / "a");
  ASSERT_TRUE(missing);
  EXPECT_FALSE(missing->has_value());
  const std::string content(300'000, 'x');
  ASSERT_TRUE(write_file(folder / "a", content));
  EXPECT_EQ(**read_file(folder / "a"), content);
  EXPECT_EQ(read_file(folder.path()).error().code, "state.not_read");
}

}  // namespace
}  // namespace tandem::steering
