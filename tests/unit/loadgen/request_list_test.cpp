#include "loadgen/request_list.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace tandem::loadgen {
namespace {

using Words = std::vector<std::string>;

TEST(ExpandGlobs, CountListAndMultiply) {
  EXPECT_EQ(*expand_globs("/plain"), Words{"/plain"});
  EXPECT_EQ(*expand_globs("/fib/[1-3]"), (Words{"/fib/1", "/fib/2", "/fib/3"}));
  EXPECT_EQ(*expand_globs("/fib/[10-30:10]"), (Words{"/fib/10", "/fib/20", "/fib/30"}));
  EXPECT_EQ(*expand_globs("/[08-10]"), (Words{"/08", "/09", "/10"}));
  EXPECT_EQ(*expand_globs("/[a-c]"), (Words{"/a", "/b", "/c"}));
  EXPECT_EQ(*expand_globs("/{x,yy,}"), (Words{"/x", "/yy", "/"}));
  EXPECT_EQ(*expand_globs("/{a,b}/[1-2]"), (Words{"/a/1", "/a/2", "/b/1", "/b/2"}));
  EXPECT_EQ(*expand_globs(R"(/q?ids\[\]=\{1\})"), Words{"/q?ids[]={1}"});
}

TEST(ExpandGlobs, RefusesWhatIsNone) {
  for (const auto* text :
       {"/[1-", "/{a", "/[]", "/[3-1]", "/[1-5:0]", "/[a-5]", "/[1-x]", "/[0-99999999]", "/[1-400]/[1-400]"})
    EXPECT_FALSE(expand_globs(text)) << text;
}

TEST(RequestLines, AreMethodTargetFieldsAndBody) {
  const auto requests = parse_request_lines(
      "# a comment\n\n/plain # not sent\r\nDELETE /items/7\n/echo -d 'two words'\nPUT http://example.org:81/put?x=1 -H "
      "'X-A: 1' -H \"X-B:  b \" -d \"say \\\"hi\\\"\"\n",
      ".");
  ASSERT_TRUE(requests) << requests.error().message;
  const std::vector<PlannedRequest> expected{{"GET", "/plain", {}, ""},
                                             {"DELETE", "/items/7", {}, ""},
                                             {"POST", "/echo", {}, "two words"},
                                             {"PUT", "/put?x=1", {{"X-A", "1"}, {"X-B", "b"}}, "say \"hi\""}};
  EXPECT_EQ(*requests, expected);
}

TEST(RequestLines, NameTheLineThatIsWrong) {
  for (const auto* text : {"no-slash", "GET", "/x -H 'no colon'", "/x -d", "/x --data y", "/x 'open", "/a b", "ftp://x/y"}) {
    const auto requests = parse_request_lines(std::string("/fine\n") + text, ".");
    ASSERT_FALSE(requests) << text;
    EXPECT_EQ(requests.error().message.rfind("line 2: ", 0), 0U) << requests.error().message;
  }
}

TEST(Har, GivesTheRequestsWithoutWhatBelongsToTheConnection) {
  const auto requests = parse_har(R"({"log": {"entries": [
    {"request": {"method": "GET", "url": "https://shop.example/list?page=2#top",
                 "headers": [{"name": ":authority", "value": "x"}, {"name": "Host", "value": "x"}, {"name": "Accept", "value": "*/*"}]}},
    {"request": {"method": "POST", "url": "http://shop.example", "headers": [{"name": "Content-Length", "value": "2"}],
                 "postData": {"mimeType": "application/json", "text": "{}"}}}]}})");
  ASSERT_TRUE(requests) << requests.error().message;
  const std::vector<PlannedRequest> expected{{"GET", "/list?page=2", {{"Accept", "*/*"}}, ""}, {"POST", "/", {}, "{}"}};
  EXPECT_EQ(*requests, expected);
}

TEST(Har, MakesTheBodyOfAFormThatWasRecordedAsFields) {
  const auto requests = parse_har(R"({"log": {"entries": [{"request": {"method": "POST", "url": "http://x/",
    "postData": {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "1&2"}, {"name": "c"}]}}}]}})");
  ASSERT_TRUE(requests) << requests.error().message;
  EXPECT_EQ(requests->front().body, "a+b=1%262&c=");
  const auto upload = parse_har(R"({"log": {"entries": [{"request": {"method": "POST", "url": "http://x/",
    "postData": {"mimeType": "multipart/form-data; boundary=x", "params": [{"name": "a", "fileName": "b"}]}}}]}})");
  ASSERT_FALSE(upload);
  EXPECT_EQ(upload.error().message.rfind("entry 1: ", 0), 0U);
}

TEST(Har, RefusesWhatCouldNotBeSent) {
  EXPECT_FALSE(parse_har("{"));
  EXPECT_FALSE(parse_har(R"({"log": 7})"));
  EXPECT_FALSE(parse_har(R"({"log": {"entries": [{}]}})"));
  EXPECT_FALSE(parse_har(R"({"log": {"entries": [{"request": {"method": "GET", "url": 5}}]}})"));
  EXPECT_FALSE(parse_har(R"({"log": {"entries": [{"request": {"method": "GET", "url": "http://x/",
    "headers": [{"name": "X", "value": "a\r\nEvil: 1"}]}}]}})"));
}

class CorpusFile : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const auto path = folder_ / name;
    std::ofstream(path) << text;
    return path.string();
  }
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("corpus-" + std::to_string(::getpid()));
};

TEST_F(CorpusFile, IsLinesOrHarAndBodiesAreFilesBesideIt) {
  write("body.json", "[1,2]");
  EXPECT_EQ(read_corpus(write("lines", "/stats -d @body.json"))->front().body, "[1,2]");
  EXPECT_EQ(read_corpus(write("har", R"( {"log": {"entries": [{"request": {"method": "GET", "url": "http://x/a"}}]}})"))
                ->front()
                .target,
            "/a");
}

TEST_F(CorpusFile, NamesTheFileThatIsWrong) {
  for (const auto& path : {write("empty", "# nothing\n"), write("bad", "GET"), write("missing", "/x -d @nowhere"),
                           folder_.string(), std::string("/nowhere")}) {
    const auto requests = read_corpus(path);
    ASSERT_FALSE(requests) << path;
    EXPECT_NE(requests.error().message.find(path), std::string::npos) << requests.error().message;
  }
}

}  // namespace
}  // namespace tandem::loadgen
