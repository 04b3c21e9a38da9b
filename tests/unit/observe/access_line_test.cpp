#include "observe/access_line.hpp"

#include <gtest/gtest.h>

namespace tandem::observe {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::system_clock::time_point kWhen{std::chrono::milliseconds(1795428000123)};

AccessRecord record() {
  AccessRecord made;
  made.client = "127.0.0.1";
  made.method = "GET";
  made.target = "/json?q=1";
  made.route = "/json";
  made.arm = "cpp";
  made.backend = "native";
  made.request_id = "id-1";
  made.user_agent = "curl/8";
  made.status = 200;
  made.body_bytes_sent = 27;
  made.total = 123456ns;
  return made;
}

std::string text(const AccessRecord& each) { return format_access_line(each, LogFormat::text, kWhen); }
std::string json(const AccessRecord& each) { return format_access_line(each, LogFormat::json, kWhen); }

TEST(AccessLine, ReadsAsText) {
  EXPECT_EQ(
      text(record()),
      "2026-11-23T10:00:00.123Z 127.0.0.1 \"GET /json?q=1 HTTP/1.1\" 200 27 0.123ms route=/json arm=cpp backend=native "
      "id=id-1 agent=\"curl/8\"\n");
}

TEST(AccessLine, LeavesOutWhatThereIsNot) {
  AccessRecord bare;
  bare.client = "unix";
  bare.method = "GET";
  bare.target = "/";
  bare.status = 404;
  bare.version = 10;
  EXPECT_EQ(text(bare), "2026-11-23T10:00:00.123Z unix \"GET / HTTP/1.0\" 404 0 0.000ms\n");
}

TEST(AccessLine, ShowsStagesAndReceivedBytes) {
  auto each = record();
  each.queue = 1500us;
  each.handler = 2s;
  each.body_bytes_received = 99;
  EXPECT_NE(text(each).find(" queue=1.500ms handler=2000.000ms received=99 id="), std::string::npos) << text(each);
}

TEST(AccessLine, NothingThatAClientSentEndsAFieldOrALine) {
  auto each = record();
  each.target = "/a\"b\\c\n\x1b[31m\xff";
  each.user_agent = "\r\n\"evil\" \xc3\xa9";
  each.request_id = "a b";
  const auto line = text(each);
  EXPECT_NE(line.find("GET /a\\x22b\\x5Cc\\x0A\\x1B[31m\\xFF HTTP/1.1"), std::string::npos) << line;
  EXPECT_NE(line.find("agent=\"\\x0D\\x0A\\x22evil\\x22 \\xC3\\xA9\"\n"), std::string::npos) << line;
  EXPECT_NE(line.find(" id=a\\x20b "), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(AccessLine, ReadsAsJson) {
  auto each = record();
  each.queue = 1ms;
  EXPECT_EQ(json(each),
            R"({"ts":"2026-11-23T10:00:00.123Z","level":"info","logger":"access","client":"127.0.0.1","method":"GET",)"
            R"("target":"/json?q=1","protocol":"HTTP/1.1","status":200,"bytes_sent":27,"bytes_received":0,"total_ms":0.123,)"
            R"("queue_ms":1.000,"route":"/json","arm":"cpp","backend":"native","request_id":"id-1","user_agent":"curl/8"})"
            "\n");
}

TEST(AccessLine, JsonIsEscaped) {
  auto each = record();
  each.user_agent = "quote \" back \\ new\n bad \xff good \xc3\xa9";
  EXPECT_NE(json(each).find(R"("user_agent":"quote \" back \\ new\n bad \ufffd good é"})"), std::string::npos) << json(each);
}

TEST(AccessLine, LongTextsAreCutAndSaySo) {
  auto each = record();
  const std::string target = "/" + std::string(2000, 'a');
  const std::string agent(300, 'u');
  each.target = target;
  each.user_agent = agent;
  EXPECT_NE(text(each).find("aaa...(+977 bytes) HTTP/1.1"), std::string::npos) << text(each);
  EXPECT_NE(text(each).find("uuu...(+44 bytes)\"\n"), std::string::npos);
  EXPECT_NE(json(each).find("aaa...(+977 bytes)\""), std::string::npos);
}

}  // namespace
}  // namespace tandem::observe
