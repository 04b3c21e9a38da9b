// Runs tests/http_cases: each NNN-what.http is what a client sends, NNN-what.json beside it what must come back. Every case
// is fed whole, byte by byte, and cut in two at every offset, with the same result. The keys of the JSON:
//   why       the rule that the case is about
//   options   strict, and the limits header_bytes, header_count, uri_bytes, body_bytes, where they are not the defaults
//   expect    the final answers in order: status, headers, absent (fields), body, no_body (an answer to HEAD), code (of a
//             problem), saw (what the recording handler must have seen: recording_handler.hpp)
//   closed    whether the server ends the connection by itself
//   at_end    answers that come only after the client has ended its side; default none
//   continue  whether 100 Continue is sent: "must", "may" (when the body was cut off), default never
//   feed      "sparse": not at every offset, for large files; "whole": uncut only
// In invalid/ the last answer must be a problem that says Connection: close.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/http_exchange.hpp"

namespace tandem {
namespace {

using nlohmann::json;

struct Case {
  std::string name;  // "invalid/300-te-unknown"
  bool is_invalid = false;
};

std::filesystem::path cases_folder() { return std::filesystem::path(TANDEM_SOURCE_DIR) / "tests" / "http_cases"; }

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Case> find_cases() {
  std::vector<Case> cases;
  for (const std::string folder : {"valid", "invalid"})
    for (const auto& entry : std::filesystem::directory_iterator(cases_folder() / folder))
      if (entry.path().extension() == ".http")
        cases.push_back({folder + "/" + entry.path().stem().string(), folder == "invalid"});
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.name < b.name; });
  return cases;
}

void PrintTo(const Case& http_case, std::ostream* out) { *out << http_case.name; }

net::NetOptions read_options(const json& given) {
  net::NetOptions options;
  for (const auto& [key, value] : given.items()) {
    if (key == "strict")
      options.strict = value;
    else if (key == "header_bytes")
      options.limits.header_bytes = value;
    else if (key == "header_count")
      options.limits.header_count = value;
    else if (key == "uri_bytes")
      options.limits.uri_bytes = value;
    else if (key == "body_bytes")
      options.limits.body_bytes = value;
    else
      ADD_FAILURE() << "unknown option " << key;
  }
  return options;
}

std::vector<support::Feed> cuts_in_two(std::size_t size, bool is_sparse) {
  const std::size_t step = is_sparse ? std::max<std::size_t>(1, size / 97) : 1;
  std::vector<support::Feed> feeds;
  for (std::size_t cut = 1; cut < size; cut += step) {
    support::Feed feed;
    feed.cuts = {cut};
    feeds.push_back(std::move(feed));
  }
  return feeds;
}

// The answers without 1xx; `continues` counts those.
std::vector<support::Answer> take_answers(std::string_view text, const json& expected, std::size_t& continues) {
  std::vector<support::Answer> answers;
  std::string error;
  while (!text.empty()) {
    const bool to_head = answers.size() < expected.size() && expected[answers.size()].value("no_body", false);
    auto answer = support::take_answer(text, to_head, error);
    if (!error.empty()) {
      ADD_FAILURE() << "answer " << answers.size() + 1 << ": " << error << "; what is left:\n" << text.substr(0, 400);
      break;
    }
    if (answer.status == 100)
      ++continues;
    else
      answers.push_back(std::move(answer));
  }
  return answers;
}

void check_answer(const support::Answer& answer, const json& expected) {
  EXPECT_EQ(answer.status, expected.at("status").get<int>());
  const auto headers = expected.value("headers", json::object());
  for (const auto& [name, value] : headers.items()) {
    const auto* found = answer.header(name);
    if (!found)
      ADD_FAILURE() << "no " << name;
    else
      EXPECT_EQ(*found, value.get<std::string>()) << name;
  }
  for (const auto& name : expected.value("absent", json::array()))
    EXPECT_EQ(answer.header(name.get<std::string>()), nullptr) << name;
  if (expected.contains("body")) {
    EXPECT_EQ(answer.body, expected["body"].get<std::string>());
  }
  if (expected.contains("code")) {
    EXPECT_EQ(json::parse(answer.body, nullptr, false).value("code", ""), expected["code"].get<std::string>());
  }
  if (expected.contains("saw")) {
    const auto seen = json::parse(answer.body, nullptr, false);
    ASSERT_TRUE(seen.is_object()) << answer.body.substr(0, 400);
    for (const auto& [key, value] : expected["saw"].items()) EXPECT_EQ(seen.value(key, json()), value) << key;
  }
}

void check_answers(const std::vector<support::Answer>& answers, const json& expected) {
  EXPECT_EQ(answers.size(), expected.size()) << "answers";
  for (std::size_t i = 0; i < answers.size() && i < expected.size(); ++i) {
    SCOPED_TRACE("answer " + std::to_string(i + 1));
    check_answer(answers[i], expected[i]);
  }
}

void check_refusal(const support::Answer& answer) {
  const auto* type = answer.header("Content-Type");
  const auto* connection = answer.header("Connection");
  EXPECT_TRUE(type && *type == http::kProblemJson) << "Content-Type";
  EXPECT_TRUE(connection && *connection == "close") << "Connection";
}

class HttpCases : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto path = cases_folder() / GetParam().name;
    bytes_ = read_file(path.string() + ".http");
    about_ = json::parse(read_file(path.string() + ".json"), nullptr, false);
    ASSERT_TRUE(about_.is_object()) << path << ".json";
    options_ = read_options(about_.value("options", json::object()));
  }

  // Feeds the case once and returns the comparable form of all that came back.
  std::string run(const support::Feed& feed) {
    const json none = json::array();
    const auto result = support::exchange(loop_, options_, bytes_, feed);
    const auto& expected = about_.at("expect");
    const auto& at_end = about_.contains("at_end") ? about_["at_end"] : none;
    std::size_t continues = 0;
    const auto answers = take_answers(result.answers, expected, continues);
    const auto later = take_answers(result.answers_at_end, at_end, continues);

    EXPECT_TRUE(result.settled) << "it does not come to rest";
    EXPECT_TRUE(result.finished) << "it does not end with the client";
    EXPECT_EQ(result.closed, about_.at("closed").get<bool>()) << "closed";
    const auto wanted = about_.value("continue", "never");
    EXPECT_LE(continues, wanted == "never" ? 0u : 1u) << "100 Continue";
    if (wanted == "must") {
      EXPECT_EQ(continues, 1u) << "100 Continue";
    }
    check_answers(answers, expected);
    check_answers(later, at_end);
    if (GetParam().is_invalid && !answers.empty()) check_refusal(answers.back());

    std::vector<int> statuses;
    std::string text;
    for (const auto& answer : answers) {
      statuses.push_back(answer.status);
      text += comparable(answer);
    }
    EXPECT_EQ(result.observed, statuses) << "what the observer was told";
    for (const auto& answer : later) text += "at the end: " + comparable(answer);
    return text + (result.closed ? "closed" : "open");
  }

  Loop loop_{0};
  std::string bytes_;
  json about_;
  net::NetOptions options_;
};

TEST_P(HttpCases, IsAnsweredAlikeHoweverItIsCut) {
  support::Feed feed;
  const auto whole = run(feed);
  if (HasFailure()) FAIL() << "fed whole: " << about_.value("why", "");
  feed.max_write = 7;
  EXPECT_EQ(run(feed), whole) << "fed whole, written in small pieces";
  const auto how = about_.value("feed", "");
  if (how == "whole") return;
  feed.one_by_one = true;
  feed.settle = false;
  EXPECT_EQ(run(feed), whole) << "byte by byte, all there, written in small pieces";
  feed = support::Feed();
  feed.one_by_one = true;
  EXPECT_EQ(run(feed), whole) << "byte by byte";
  if (HasFailure()) FAIL() << "byte by byte or in small pieces";
  for (const auto& cut : cuts_in_two(bytes_.size(), how == "sparse")) {
    EXPECT_EQ(run(cut), whole);
    if (HasFailure()) FAIL() << "cut at byte " << cut.cuts.front();
  }
}

INSTANTIATE_TEST_SUITE_P(All, HttpCases, ::testing::ValuesIn(find_cases()), [](const auto& test) {
  auto name = test.param.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

TEST(HttpCaseFiles, ComeInPairs) {
  for (const std::string folder : {"valid", "invalid"})
    for (const auto& entry : std::filesystem::directory_iterator(cases_folder() / folder)) {
      auto other = entry.path();
      other.replace_extension(entry.path().extension() == ".http" ? ".json" : ".http");
      EXPECT_TRUE(std::filesystem::exists(other)) << entry.path();
    }
}

}  // namespace
}  // namespace tandem
