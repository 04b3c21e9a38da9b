#include "steering/state_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "unit/steering/temporary_folder.hpp"

namespace tandem::steering {
namespace {

TEST(StateDirectory, IsMadeAndKeepsFilesById) {
  const TemporaryFolder folder;
  auto directory = StateDirectory::open(folder / "a/b");
  ASSERT_TRUE(directory) << directory.error().message;
  EXPECT_FALSE(directory->load("fib", ".json")->has_value());
  ASSERT_TRUE(directory->save("fib", ".json", "{}"));
  EXPECT_EQ(**directory->load("fib", ".json"), "{}");
  EXPECT_EQ(content_of(folder / "a/b/experiments/fib.json"), "{}");
}

TEST(StateDirectory, NoIdLeavesTheDirectory) {
  const TemporaryFolder folder;
  auto directory = StateDirectory::open(folder.path());
  ASSERT_TRUE(directory);
  for (const std::string id : {"../../x", "/etc/x", "..", ".", "a/b", "a b%", "."}) {
    ASSERT_TRUE(directory->save(id, ".json", id));
    EXPECT_EQ(directory->file_of(id, ".json").parent_path(), folder / "experiments");
  }
  EXPECT_EQ(**directory->load("a/b", ".json"), "a/b");
  EXPECT_EQ(directory->file_of("v1.2", ".json").filename(), "v1.2.json");
}

TEST(StateDirectory, BelongsToOneServer) {
  const TemporaryFolder folder;
  {
    const auto first = StateDirectory::open(folder.path());
    ASSERT_TRUE(first);
    const auto second = StateDirectory::open(folder.path());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message, "another server uses " + folder.path().string());
  }
  EXPECT_TRUE(StateDirectory::open(folder.path()));
}

TEST(StateDirectory, ThatCanNotBeMadeIsAnError) {
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "in the way";
  const auto directory = open_state_directory(folder / "file/state");
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, "state.no_directory");
  EXPECT_NE(directory.error().message.find("Not a directory"), std::string::npos) << directory.error().message;
}

TEST(StateDirectory, UnreadableFilesAreSetAside) {
  const TemporaryFolder folder;
  auto directory = StateDirectory::open(folder.path());
  ASSERT_TRUE(directory);
  ASSERT_TRUE(directory->save("fib", ".json", "nonsense"));
  EXPECT_EQ(*directory->set_aside("fib", ".json"), folder / "experiments/fib.json.unreadable");
  EXPECT_FALSE(directory->load("fib", ".json")->has_value());
  EXPECT_EQ(content_of(folder / "experiments/fib.json.unreadable"), "nonsense");
}

}  // namespace
}  // namespace tandem::steering
