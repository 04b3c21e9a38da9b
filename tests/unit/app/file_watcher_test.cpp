#include "app/file_watcher.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace tandem::app {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

class Watch : public testing::Test {
 protected:
  Watch() {
    std::string pattern = (fs::temp_directory_path() / "tandem-watch-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    options_.directories = {directory_.string()};
    options_.quiet = Milliseconds(20);
  }
  ~Watch() override { fs::remove_all(directory_); }

  void start() {
    watcher_ = std::make_unique<FileWatcher>(
        context_, options_, [this] { ++stirred_; }, [this](const Names& paths) { told_.push_back(paths); });
    const auto started = watcher_->start();
    ASSERT_TRUE(started) << started.error().message;
  }

  void write(const std::string& name, const std::string& text = "x = 1\n") const {
    fs::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
  }

  // The names that the next call tells, below the directory.
  Names next() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (told_.empty() && std::chrono::steady_clock::now() < end) context_.run_one_for(std::chrono::seconds(1));
    if (told_.empty()) return {"nothing was told"};
    Names names;
    for (const auto& path : told_.front()) names.push_back(path.substr(directory_.string().size() + 1));
    told_.erase(told_.begin());
    return names;
  }

  // Makes a change that counts, after changes that don't: they would be told with it, or before it.
  void expect_only_the_canary() {
    write("canary.py");
    EXPECT_EQ(next(), Names{"canary.py"});
  }

  fs::path directory_;
  boost::asio::io_context context_;
  WatchOptions options_;
  std::unique_ptr<FileWatcher> watcher_;
  int stirred_ = 0;
  std::vector<Names> told_;
};

TEST_F(Watch, TellsOfWrittenCreatedAndRemovedFiles) {
  write("a.py");
  write("pack/b.py");
  start();
  EXPECT_EQ(watcher_->directories(), 2u);
  write("a.py", "x = 2\n");
  EXPECT_EQ(next(), Names{"a.py"});
  write("pack/c.py");
  EXPECT_EQ(next(), Names{"pack/c.py"});
  fs::remove(directory_ / "pack/b.py");
  EXPECT_EQ(next(), Names{"pack/b.py"});
}

TEST_F(Watch, TellsChangesThatComeTogetherAtOnce) {
  start();
  for (const auto* name : {"c.py", "a.py", "b.py", "a.py"}) write(name);
  EXPECT_EQ(next(), (Names{"a.py", "b.py", "c.py"}));
  EXPECT_EQ(stirred_, 1);
}

TEST_F(Watch, SeesEditorsThatWriteByRenaming) {
  write("a.py");
  start();
  write("a.py.tmp~", "x = 2\n");
  fs::rename(directory_ / "a.py.tmp~", directory_ / "a.py");
  EXPECT_EQ(next(), Names{"a.py"});
  fs::rename(directory_ / "a.py", directory_ / "b.py");
  EXPECT_EQ(next(), (Names{"a.py", "b.py"}));
}

TEST_F(Watch, EntersDirectoriesThatAppear) {
  start();
  write("new/deep/a.py");  // may be written before the directory is watched
  EXPECT_EQ(next(), Names{"new/deep/a.py"});
  EXPECT_EQ(watcher_->directories(), 3u);
  write("new/deep/b.py");
  EXPECT_EQ(next(), Names{"new/deep/b.py"});
}

TEST_F(Watch, FollowsDirectoriesThatMove) {
  write("old/a.py");
  start();
  fs::rename(directory_ / "old", directory_ / "new");
  EXPECT_EQ(next(), (Names{"new/a.py", "old"}));
  EXPECT_EQ(watcher_->directories(), 2u);
  write("new/b.py");
  EXPECT_EQ(next(), Names{"new/b.py"});
  fs::remove_all(directory_ / "new");
  EXPECT_EQ(next(), (Names{"new/a.py", "new/b.py"}));
  write("new/c.py");
  EXPECT_EQ(next(), Names{"new/c.py"});
}

TEST_F(Watch, LeavesOutWhatIsNotSource) {
  for (const auto* name : {".git/x.py", "__pycache__/x.py", "node_modules/x.py", "venv/pyvenv.cfg", "venv/lib/x.py"})
    write(name);
  start();
  EXPECT_EQ(watcher_->directories(), 1u);
  for (const auto* name : {".git/x.py", "__pycache__/x.py", "node_modules/x.py", "venv/lib/x.py", "a.txt", "a.pyc", ".#a.py",
                           "a.py~", ".git/new/x.py"})
    write(name);
  expect_only_the_canary();
}

TEST_F(Watch, LeavesAVirtualEnvironmentThatIsBeingMade) {
  start();
  fs::create_directory(directory_ / "env");
  expect_only_the_canary();
  EXPECT_EQ(watcher_->directories(), 2u);
  write("env/pyvenv.cfg", "home = /usr\n");
  expect_only_the_canary();
  write("env/lib/site.py");
  expect_only_the_canary();
  EXPECT_EQ(watcher_->directories(), 1u);
}

TEST_F(Watch, TakesPatterns) {
  options_.includes = {"*.py", "*.html", ".env", "conf/*.toml"};
  options_.excludes = {"*_test.py", "build", "gen/out"};
  write("conf/a.toml");
  write("build/x.py");
  write("gen/out/x.py");
  start();
  for (const auto* name : {"a_test.py", "build/x.py", "gen/out/x.py", "a.toml", ".envrc", ".b.html"}) write(name);
  expect_only_the_canary();
  for (const auto* name : {".env", "a.html", "conf/a.toml"}) write(name);
  EXPECT_EQ(next(), (Names{".env", "a.html", "conf/a.toml"}));
}

TEST_F(Watch, FollowsNoLinksBelow) {
  write("real/a.py");
  fs::create_directory_symlink(directory_, directory_ / "real/loop");
  start();
  EXPECT_EQ(watcher_->directories(), 2u);
}

TEST_F(Watch, SaysWhatItCantWatch) {
  options_.directories = {(directory_ / "none").string()};
  FileWatcher watcher(
      context_, options_, [] {}, [](const Names&) {});
  const auto started = watcher.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("none: No such file or directory"), std::string::npos) << started.error().message;
}

}  // namespace
}  // namespace tandem::app
