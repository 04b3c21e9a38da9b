#include "base/log.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace tandem {
namespace {

class LogFile : public testing::Test {
 protected:
  LogFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tandem-log-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    file_ = folder_ / "tandem.log";
  }
  ~LogFile() override {
    set_up_log({});
    std::filesystem::remove_all(folder_);
  }

  void set_up(LogStyle style, const std::string& level = "info") {
    LogOptions options;
    options.style = style;
    options.level = level;
    options.file = file_.string();
    set_up_log(options);
  }
  static std::string read(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Without the times.
  std::vector<std::string> lines() {
    std::vector<std::string> all;
    std::istringstream stream(read(file_));
    for (std::string line; std::getline(stream, line);)
      all.push_back(line.starts_with("20") ? line.substr(25) : line.starts_with("{\"ts\":\"20") ? line.substr(33) : line);
    return all;
  }

  std::filesystem::path folder_;
  std::filesystem::path file_;
};

using Lines = std::vector<std::string>;

TEST_F(LogFile, TextHasLevelAndMessage) {
  set_up(LogStyle::text);
  log().info("started with {} threads", 2);
  log().warn("odd");
  log().debug("not shown");
  EXPECT_EQ(lines(), (Lines{"info started with 2 threads", "warn odd"}));
}

TEST_F(LogFile, TextNamesTheLoggerIfThereIsOne) {
  set_up(LogStyle::text);
  spdlog::logger named("shop", log().sinks().front());
  named.error("sold out");
  EXPECT_EQ(lines(), Lines{"error shop: sold out"});
}

TEST_F(LogFile, TextOfSeveralLinesIsIndentedAndHidesControlCharacters) {
  set_up(LogStyle::text);
  log().info("first\nsecond\x1b[31m \xff \xc2\x9b é\ttab\n");
  EXPECT_EQ(lines(), (Lines{"info first", "    second\\x1b[31m \\xff \\xc2\\x9b é\ttab"}));
}

TEST_F(LogFile, JsonIsOneObjectALine) {
  set_up(LogStyle::json);
  log().warn("a \"quote\"\nand \\ more");
  spdlog::logger("print", log().sinks().front()).info("\xff\x01");
  EXPECT_EQ(lines(), (Lines{R"("level":"warn","message":"a \"quote\"\nand \\ more"})",
                            R"("level":"info","logger":"print","message":"\ufffd\u0001"})"}));
}

TEST_F(LogFile, LevelsAreThoseOfTheConfig) {
  set_up(LogStyle::text, "error");
  log().warn("not shown");
  log().error("shown");
  EXPECT_EQ(lines(), Lines{"error shown"});
  set_up(LogStyle::text, "off");
  log().critical("not shown");
  EXPECT_EQ(lines().size(), 1u);
}

TEST_F(LogFile, IsOpenedAgainAfterItWasMoved) {
  set_up(LogStyle::text);
  log().info("before");
  std::filesystem::rename(file_, folder_ / "old.log");
  log().info("still the old one");
  reopen_log();
  log().info("after");
  EXPECT_EQ(lines(), Lines{"info after"});
  EXPECT_NE(read(folder_ / "old.log").find("still the old one"), std::string::npos);
}

TEST_F(LogFile, ThatCanNotBeOpenedAgainStaysOpen) {
  set_up(LogStyle::text);
  std::filesystem::rename(folder_, folder_.string() + ".moved");
  reopen_log();
  std::filesystem::rename(folder_.string() + ".moved", folder_);
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_NE(lines()[0].find("still writing to the file that was open"), std::string::npos);
}

TEST_F(LogFile, ThatCanNotBeOpenedIsAnError) {
  LogOptions options;
  options.file = (folder_ / "nowhere" / "tandem.log").string();
  try {
    set_up_log(options);
    FAIL();
  } catch (const spdlog::spdlog_ex& error) {
    EXPECT_NE(std::string(error.what()).find(options.file), std::string::npos);
  }
}

TEST_F(LogFile, LinesOfManyThreadsStayWhole) {
  set_up(LogStyle::text);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([] {
      for (int n = 0; n < 500; ++n) log().info("message");
    });
  threads.emplace_back([] {
    for (int n = 0; n < 500; ++n) write_log_lines("access one\naccess two\n");
  });
  for (int n = 0; n < 5; ++n) reopen_log();
  for (auto& thread : threads) thread.join();
  const auto all = lines();
  EXPECT_EQ(all.size(), 2000u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] == "access one") {
      ASSERT_EQ(all.at(++i), "access two");
    } else {
      ASSERT_EQ(all[i], "info message");
    }
  }
}

TEST(JsonEscaped, EscapesWhatJsonAndTerminalsMind) {
  EXPECT_EQ(json_escaped("plain é €  😀"), "plain é €  😀");
  EXPECT_EQ(json_escaped("\"\\/"), "\\\"\\\\/");
  EXPECT_EQ(json_escaped(std::string_view("\0\n\r\t\x1f\x7f\xc2\x85", 8)), "\\u0000\\n\\r\\t\\u001f\\u007f\\u0085");
}

TEST(JsonEscaped, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(json_escaped("\xff"), "\\ufffd");
  EXPECT_EQ(json_escaped("a\xc3"), "a\\ufffd");                                 // cut off
  EXPECT_EQ(json_escaped("\xc0\x80"), "\\ufffd\\ufffd");                        // overlong
  EXPECT_EQ(json_escaped("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");             // a surrogate
  EXPECT_EQ(json_escaped("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd");  // beyond U+10FFFF
  EXPECT_EQ(json_escaped("\xe2\x82x"), "\\ufffd\\ufffdx");
}

}  // namespace
}  // namespace tandem
