#include "observe/access_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <sstream>

namespace tandem::observe {
namespace {

AccessRecord record(std::string_view target) {
  AccessRecord made;
  made.client = "127.0.0.1";
  made.method = "GET";
  made.target = target;
  made.status = 200;
  return made;
}

// Collects what the log writes, and lets a test wait for it.
class Collected {
 public:
  void add(std::string_view lines) {
    std::lock_guard lock(mutex_);
    text_ += lines;
    changed_.notify_all();
  }
  void wait_for(const std::string& text) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return text_.find(text) != std::string::npos; });
  }
  std::vector<std::string> lines() {
    std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    std::istringstream stream(text_);
    for (std::string line; std::getline(stream, line);) all.push_back(line);
    return all;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

TEST(AccessLog, WritesALineThatComesAloneAtOnce) {
  Collected collected;
  AccessLog log(1, LogFormat::text, [&](std::string_view lines) { collected.add(lines); });
  for (int i = 0; i < 5; ++i) {
    const auto target = "/" + std::to_string(i) + "!";
    log.write(0, record(target));
    collected.wait_for(target);
  }
  EXPECT_EQ(log.dropped(), 0u);
}

TEST(AccessLog, WritesWhatIsLeftWhenItEnds) {
  Collected collected;
  {
    AccessLog log(2, LogFormat::json, [&](std::string_view lines) { collected.add(lines); });
    for (int i = 0; i < 100; ++i) log.write(static_cast<unsigned>(i) % 2, record("/x"));
  }
  EXPECT_EQ(collected.lines().size(), 100u);
}

TEST(AccessLog, EndsWithoutAnyLine) {
  for (int i = 0; i < 20; ++i) AccessLog log(1, LogFormat::text, [](std::string_view) { FAIL(); });
}

TEST(AccessLog, KeepsEveryLineOfManyThreadsInOrderOrCountsIt) {
  constexpr unsigned kThreads = 3;
  constexpr int kLines = 30000;
  Collected collected;
  std::uint64_t dropped = 0;
  {
    AccessLog log(kThreads, LogFormat::text, [&](std::string_view lines) {
      EXPECT_TRUE(lines.ends_with('\n'));
      collected.add(lines);
    });
    std::vector<std::thread> writers;
    for (unsigned shard = 0; shard < kThreads; ++shard)
      writers.emplace_back([&log, shard] {
        for (int i = 0; i < kLines; ++i) {
          const auto target =
              "/" + std::to_string(shard) + "/" + std::to_string(i) + std::string(static_cast<std::size_t>(i) % 50, 'x');
          log.write(shard, record(target));
        }
      });
    for (auto& writer : writers) writer.join();
    dropped = log.dropped();
  }
  const auto lines = collected.lines();
  EXPECT_EQ(lines.size() + dropped, kThreads * kLines);
  std::map<char, int> last;
  for (const auto& line : lines) {
    const auto at = line.find("\"GET /");
    ASSERT_NE(at, std::string::npos) << line;
    const char shard = line[at + 6];
    const int number = std::stoi(line.substr(at + 8));
    const auto x = static_cast<std::size_t>(std::count(line.begin(), line.end(), 'x'));
    ASSERT_EQ(x, static_cast<std::size_t>(number) % 50) << line;
    const auto before = last.find(shard);
    if (before != last.end()) {
      ASSERT_GT(number, before->second);
    }
    last[shard] = number;
  }
}

TEST(AccessLog, AFullRingDropsAndNeverWaits) {
  std::promise<void> entered, leave;
  auto may_leave = leave.get_future().share();
  std::atomic<std::size_t> written{0};
  std::once_flag first;
  std::uint64_t dropped = 0;
  constexpr std::size_t kLines = 20000;
  {
    AccessLog log(1, LogFormat::text, [&](std::string_view lines) {
      std::call_once(first, [&] { entered.set_value(); });
      may_leave.wait();
      written += static_cast<std::size_t>(std::count(lines.begin(), lines.end(), '\n'));
    });
    log.write(0, record("/first"));
    entered.get_future().wait();
    const std::string target(100, 'a');
    for (std::size_t i = 0; i < kLines; ++i) log.write(0, record(target));
    dropped = log.dropped();
    EXPECT_GT(dropped, 0u);
    EXPECT_LT(dropped, kLines - 3000);  // a ring of 1 MiB holds more than that
    leave.set_value();
  }
  EXPECT_EQ(written + dropped, kLines + 1);
}

}  // namespace
}  // namespace tandem::observe
