#include "comparison/compare.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "comparison/document.hpp"

namespace tandem::comparison {
namespace {

Answer json_answer(std::string_view body, int status = 200) {
  Answer answer;
  answer.status = status;
  answer.headers = {{"content-type", "application/json; charset=utf-8"}};
  answer.append(body);
  return answer;
}

Answer text_answer(std::string_view body, std::string type = "text/plain") {
  Answer answer;
  answer.status = 200;
  answer.headers = {{"content-type", std::move(type)}};
  answer.append(body);
  return answer;
}

Rules rules_of(const Settings& settings = {}) {
  auto rules = Rules::make(settings);
  EXPECT_TRUE(rules) << rules.error().message;
  return *rules;
}

// "value $.a, missing $.b": what differs, in order.
std::string told(const std::vector<Difference>& differences) {
  std::string text;
  for (const auto& difference : differences)
    text.append(text.empty() ? "" : ", ").append(name_of(difference.kind)).append(" ").append(difference.path);
  return text;
}

std::string between(std::string_view a, std::string_view b, const Settings& settings = {}) {
  return told(compare(json_answer(a), json_answer(b), rules_of(settings)));
}

struct Pair {
  const char* a;
  const char* b;
  const char* wanted;
};

TEST(Compare, WithoutRules) {
  for (const auto& [a, b, wanted] : {
           Pair{R"({"a": 1})", R"({ "a":1 })", ""},
           Pair{R"({"a": 1, "b": 2})", R"({"b": 2, "a": 1})", ""},
           Pair{R"({"a": 1})", R"({"a": 2})", "value $.a"},
           Pair{R"({"a": 1})", R"({"a": "1"})", "type $.a"},
           Pair{R"({"a": 1})", R"({"a": 1.0})", ""},
           Pair{R"({"a": 1e2})", R"({"a": 100})", ""},
           Pair{R"({"a": -0})", R"({"a": 0})", ""},
           Pair{R"({"a": -0.0})", R"({"a": 0})", ""},
           Pair{R"({"a": null})", R"({})", "missing $.a"},
           Pair{R"({})", R"({"a": null})", "extra $.a"},
           Pair{R"({"a": true})", R"({"a": false})", "value $.a"},
           Pair{R"({"a": [1, 2]})", R"({"a": [1, 2, 3]})", "length $.a"},
           Pair{R"({"a": [1, 2]})", R"({"a": [2, 1]})", "order $.a"},
           Pair{R"({"a": [{"b": 1}, {"b": 2}]})", R"({"a": [{"b": 1}, {"b": 3}]})", "value $.a[*].b"},
           Pair{R"({"a": {}})", R"({"a": []})", "type $.a"},
           Pair{R"({"a b": 1})", R"({"a b": 2})", "value $['a b']"},
           Pair{"9007199254740993", "9007199254740992", "value $"},
           Pair{"123456789012345678901234567890", "123456789012345678901234567891", "value $"},
           Pair{"123456789012345678901234567890", "123456789012345678901234567890 ", ""},
           Pair{R"("\u00e9")", R"("é")", ""},
           Pair{"\"e\\u0301\"", R"("é")", "value $"},  // not normalised
           Pair{R"({"a": 1, "a": 1})", R"({"a": 1})", "duplicate $"},
           Pair{"{}", "{", "type $"},
           Pair{"{", "{}", "type $"},
           Pair{"{", "[", "value $"},
           Pair{"{", "{", ""},
           Pair{"", "", ""},
           Pair{"1", "", "type $"},
       })
    EXPECT_EQ(between(a, b), wanted) << a << " " << b;
}

TEST(Compare, Ignore) {
  Settings settings;
  settings.ignore = {"$.at", "$.items[*].id", "$.**.etag", "$.list[0]"};
  EXPECT_EQ(between(R"({"at": 1, "items": [{"id": 1, "n": 1}]})", R"({"at": 2, "items": [{"id": 2, "n": 1}]})", settings),
            "");
  EXPECT_EQ(between(R"({"at": 1})", "{}", settings), "");
  EXPECT_EQ(between("{}", R"({"at": 1})", settings), "");
  EXPECT_EQ(between(R"({"etag": 1, "a": {"b": [{"etag": 2}]}})", R"({"etag": 3, "a": {"b": [{"etag": 4}]}})", settings), "");
  EXPECT_EQ(between(R"({"list": [1, 2]})", R"({"list": [3, 4]})", settings), "value $.list[*]");
  EXPECT_EQ(between(R"({"items": [{"n": 1}]})", R"({"items": [{"n": 2}]})", settings), "value $.items[*].n");
}

TEST(Compare, Numbers) {
  Settings relative;
  relative.relative = 1e-3;
  EXPECT_EQ(between("1000", "1001", relative), "");
  EXPECT_EQ(between("1000", "1002", relative), "value $");
  EXPECT_EQ(between("1", "\"1\"", relative), "type $");
  Settings absolute;
  absolute.absolute = 0.5;
  EXPECT_EQ(between("[1.0, 2]", "[1.4, 2.6]", absolute), "value $[*]");
}

// As doubles the first two are the same.
TEST(Compare, IntegersBeyondTwoToThe53WithATolerance) {
  Settings absolute;
  absolute.absolute = 0.0005;
  EXPECT_EQ(between("9007199254740993", "9007199254740992", absolute), "value $");
  EXPECT_EQ(between("-9007199254740993", "-9007199254740992", absolute), "value $");
  EXPECT_EQ(between("9007199254740993", "9007199254740993", absolute), "");
  EXPECT_EQ(between("123456789012345678901234567890", "123456789012345678901234567891", absolute), "value $");
  EXPECT_EQ(between("10000000000000000000000", "9999999999999999999999", absolute), "value $");
  EXPECT_EQ(between("0", "-0", absolute), "");
  absolute.absolute = 1;
  EXPECT_EQ(between("9007199254740993", "9007199254740992", absolute), "");
  EXPECT_EQ(between("10000000000000000000000", "9999999999999999999999", absolute), "");
  EXPECT_EQ(between("9007199254740995", "9007199254740993", absolute), "value $");
  EXPECT_EQ(between("1", "-1", absolute), "value $");
  absolute.absolute = 2;
  EXPECT_EQ(between("1", "-1", absolute), "");
  Settings relative;
  relative.relative = 1e-9;
  EXPECT_EQ(between("9007199254740993", "9007199254740992", relative), "");
  EXPECT_EQ(between("9007199254740993", "9007299254740992", relative), "value $");
}

TEST(Compare, UnorderedArrays) {
  Settings settings;
  settings.unordered = {"$.tags"};
  EXPECT_EQ(between(R"({"tags": [1, 2, 2]})", R"({"tags": [2, 1, 2]})", settings), "");
  EXPECT_EQ(between(R"({"tags": [1, 2, 2]})", R"({"tags": [1, 1, 2]})", settings), "missing $.tags[*], extra $.tags[*]");
  settings.ignore = {"$.tags[*].at"};
  EXPECT_EQ(between(R"({"tags": [{"n": 1, "at": 1}, {"n": 2}]})", R"({"tags": [{"n": 2, "at": 5}, {"n": 1}]})", settings),
            "");
}

TEST(Compare, ElementsByKey) {
  Settings settings;
  settings.key = {{"$", "id"}};
  EXPECT_EQ(between(R"([{"id": 1, "n": 1}, {"id": 2, "n": 2}])", R"([{"id": 2, "n": 2}, {"id": 1, "n": 1}])", settings), "");
  EXPECT_EQ(between(R"([{"id": 1, "n": 1}, {"id": 2, "n": 2}])", R"([{"id": 2, "n": 3}, {"id": 1, "n": 1}])", settings),
            "value $[*].n");
  EXPECT_EQ(between(R"([{"id": 1}])", R"([{"id": 3}])", settings), "missing $[*], extra $[*]");
}

TEST(Compare, NullAndExtraMembers) {
  Settings null_is_missing;
  null_is_missing.null_is_missing = true;
  EXPECT_EQ(between(R"({"a": null})", "{}", null_is_missing), "");
  EXPECT_EQ(between("{}", R"({"a": null})", null_is_missing), "");
  EXPECT_EQ(between(R"({"a": 1})", R"({"a": null})", null_is_missing), "missing $.a");
  Settings extra_ok;
  extra_ok.extra_ok = true;
  EXPECT_EQ(between("{}", R"({"a": 1})", extra_ok), "");
  EXPECT_EQ(between(R"({"a": 1})", "{}", extra_ok), "missing $.a");
}

TEST(Compare, Masks) {
  Settings settings;
  settings.mask = {{"$.id", "[0-9a-f]{8}"}};
  EXPECT_EQ(between(R"({"id": "0123abcd"})", R"({"id": "deadbeef"})", settings), "");
  EXPECT_EQ(between(R"({"id": "0123abcd"})", R"({"id": "none"})", settings), "value $.id");
}

TEST(Compare, Texts) {
  EXPECT_EQ(told(compare(text_answer("a"), text_answer("a\n"), rules_of())), "value $");
  Settings trim;
  trim.text = Settings::Text::trim;
  EXPECT_EQ(told(compare(text_answer("a"), text_answer(" a\n"), rules_of(trim))), "");
  Settings replace;
  replace.replace = {{"\\d+ ms", "N ms"}};
  EXPECT_EQ(told(compare(text_answer("took 3 ms"), text_answer("took 17 ms"), rules_of(replace))), "");
  EXPECT_EQ(told(compare(text_answer("\1", "image/png"), text_answer("\2", "image/png"), rules_of(trim))), "value $");
}

TEST(Compare, StatusIsNeverExplainedAway) {
  Settings all;
  all.ignore = {"$", "$.**"};
  all.headers.clear();
  EXPECT_EQ(told(compare(json_answer("{}", 200), json_answer("{}", 500), rules_of(all))), "status status");
  all.by_class = true;
  EXPECT_EQ(told(compare(json_answer("{}", 200), json_answer("{}", 500), rules_of(all))), "status status");
  EXPECT_EQ(told(compare(json_answer("{}", 200), json_answer("{}", 201), rules_of(all))), "");
}

TEST(Compare, Headers) {
  EXPECT_EQ(told(compare(text_answer("a", "text/plain"), text_answer("a", "text/html"), rules_of())),
            "header header:content-type");
  Settings cookies;
  cookies.headers = {"set-cookie", "authorization"};
  auto a = text_answer("");
  auto b = text_answer("");
  a.headers = {{"set-cookie", "sid=1; Path=/"}, {"authorization", "secret"}};
  b.headers = {{"set-cookie", "sid=2; Path=/"}, {"authorization", "other"}};
  const auto differences = compare(a, b, rules_of(cookies));
  EXPECT_EQ(told(differences), "header header:authorization");
  EXPECT_EQ(differences.front().control, "(redacted)");
  b.headers[0].second = "sid=2; Path=/; Secure";
  EXPECT_EQ(told(compare(a, b, rules_of(cookies))), "header header:set-cookie, header header:authorization");
}

TEST(Compare, LargeBodiesByLengthAndHash) {
  const std::string large(kMaxBody + 1, 'a');
  EXPECT_EQ(told(compare(text_answer(large), text_answer(large), rules_of())), "");
  EXPECT_EQ(told(compare(text_answer(large), text_answer(large.substr(1) + "b"), rules_of())), "large $");
}

TEST(Compare, WhatIsRedactedIsShownNowhere) {
  Settings settings;
  settings.redact = {"$.**.secret"};
  for (const auto& [a, b] : std::vector<std::pair<std::string, std::string>>{
           {R"({"secret": "xyz"})", R"({"secret": "uvw"})"},
           {R"({"secret": {"deep": "xyz"}})", R"({"secret": {"deep": "uvw"}})"},
           {R"({"a": {"secret": "xyz"}})", R"({"a": 1})"},
           {R"({"a": [{"secret": "xyz"}]})", R"({})"},
           {R"({"a": [{"secret": "xyz"}, 1]})", R"({"a": [1, {"secret": "xyz"}]})"},
           {R"({"secret": "xyz", "secret": "uvw"})", R"({"b": 1})"},
           {R"({"secret": "xyz")", R"({"secret": "uvw")"},
       }) {
    const auto differences = compare(json_answer(a), json_answer(b), rules_of(settings));
    ASSERT_FALSE(differences.empty()) << a;
    for (const auto& difference : differences)
      for (const auto& text : {difference.control, difference.candidate})
        EXPECT_TRUE(text.find("xyz") == std::string::npos && text.find("uvw") == std::string::npos) << a << ": " << text;
  }
}

TEST(Compare, AtMostSoManyDifferences) {
  std::string a = "[", b = "[";
  for (int i = 0; i < 1000; ++i) {
    a += std::to_string(i) + ",";
    b += std::to_string(i + 5000) + ",";
  }
  EXPECT_EQ(compare(json_answer(a + "0]"), json_answer(b + "0]"), rules_of()).size(), kMaxDifferences);
}

TEST(Compare, DeepDocumentsAreComparedAsText) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(between(deep, deep), "");
  EXPECT_EQ(between(deep, " " + deep), "value $");
  EXPECT_EQ(between(deep, "[]"), "type $");
}

TEST(Compare, AHostilePatternTakesNoTime) {
  Settings settings;
  settings.replace = {{"(a+)+$", "x"}};
  const std::string text = std::string(50'000, 'a') + "!";
  EXPECT_EQ(told(compare(text_answer(text), text_answer(text + "!"), rules_of(settings))), "value $");
}

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Compare, AnswersThatAreTooMuchToLookIntoAreLarge) {
  const auto ones = "[" + repeated("1,", kMaxNodes);
  EXPECT_EQ(between(ones + "1]", ones + "2]"), "large $");
  EXPECT_EQ(shape_of(json_answer(ones + "1]")), "200 application/json");
  // Each array is another order of what its like holds, but for the last element: every level is sorted in vain.
  const std::string numbers = repeated("1234567890,", 20'000);
  const auto nested = [&](const std::string& first, const std::string& last) {
    return repeated("[", 60) + first + numbers + last + repeated(", 7]", 60);
  };
  EXPECT_EQ(between(nested("2,", "3"), nested("3,", "4")), "large $");
  // Members of an object are found by name, in whatever order, each a thousand times.
  std::string there = "{", back = "}";
  for (int i = 0; i < 30'000; ++i) {
    const auto member = "\"m" + std::to_string(i) + "\":" + std::to_string(i);
    there += member + ",";
    back = "," + member + back;
  }
  EXPECT_EQ(between(there + "\"last\":1}", "{\"last\":2" + back), "value $.last");
}

TEST(Compare, PlacesAreCutWhereTheyAreLong) {
  const std::string name = repeated("ä", 200'000);
  const auto document = [&](const std::string& value) {
    return "{\"a." + name + "\": [" + repeated("[1],", 1000) + value + "]}";
  };
  EXPECT_EQ(between(document("1"), document("2")), "value $['a." + repeated("ä", 147) + "…");
  EXPECT_EQ(shape_of(json_answer("{\"'" + name + "\": [1, [2], 3]}")), "200 $[''" + repeated("ä", 148) + "…");
}

TEST(Compare, AnyDepthMayStandInAPatternManyTimes) {
  Settings settings;
  settings.ignore = {"$.**.a.**.a.**.a.**.a.**.a.**.b.**.**"};
  const auto nested = [](int depth, const std::string& value) {
    return repeated("{\"a\":", depth) + value + repeated("}", depth);
  };
  EXPECT_EQ(between(nested(60, "1"), nested(60, "2"), settings), "value $" + repeated(".a", 60));
  EXPECT_EQ(between(nested(60, "{\"b\": 1}"), nested(60, "{\"b\": 2}"), settings), "");
  EXPECT_EQ(between(nested(5, "{\"b\": 1}"), nested(5, "{\"b\": [2]}"), settings), "");
  EXPECT_EQ(between(nested(4, "{\"b\": 1}"), nested(4, "{\"b\": 2}"), settings), "value $.a.a.a.a.b");
}

// A random document of few names and values, so that two of them often have something in common.
std::string random_document(std::mt19937& random, int depth = 0) {
  const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  static const std::vector<std::string> kScalars = {"null", "true", "0",     "-0",   "1",
                                                    "1.0",  "1e0",  "\"a\"", "\"\"", "9007199254740993"};
  if (depth == 4 || below(3) == 0) return kScalars[static_cast<std::size_t>(below(static_cast<int>(kScalars.size())))];
  const bool is_array = below(2) == 0;
  std::string text(1, is_array ? '[' : '{');
  const int count = below(4);
  for (int i = 0; i < count; ++i) {
    if (i > 0) text += ',';
    if (!is_array) text += "\"" + std::string(1, static_cast<char>('a' + below(3))) + "\":";
    text += random_document(random, depth + 1);
  }
  return text + (is_array ? ']' : '}');
}

TEST(Compare, IsSymmetricButForMissingAndExtra) {
  std::mt19937 random(7);
  Settings sets;
  sets.unordered = {"$.**"};
  for (const auto& settings : {Settings{}, sets})
    for (int i = 0; i < 3000; ++i) {
      const auto a = json_answer(random_document(random));
      const auto b = json_answer(random_document(random));
      const auto rules = rules_of(settings);
      EXPECT_EQ(told(compare(a, a, rules)), "") << a.body;
      auto there = compare(a, b, rules);
      auto back = compare(b, a, rules);
      ASSERT_EQ(there.size(), back.size()) << a.body << " " << b.body;
      for (auto& difference : back)
        if (difference.kind == Kind::missing || difference.kind == Kind::extra)
          difference.kind = difference.kind == Kind::missing ? Kind::extra : Kind::missing;
      const auto sorted = [](const std::vector<Difference>& differences) {
        std::vector<std::string> texts;
        for (const auto& difference : differences) texts.push_back(told({difference}));
        std::sort(texts.begin(), texts.end());
        return texts;
      };
      EXPECT_EQ(sorted(there), sorted(back)) << a.body << " " << b.body;
    }
}

TEST(Compare, Shapes) {
  EXPECT_EQ(shape_of(json_answer(R"({"items": [{"id": 1}, {"id": 2, "n": 3}], "total": 2})")),
            "200 $.items[*].id $.items[*].n $.total");
  EXPECT_EQ(shape_of(text_answer("a")), "200 text/plain");
  EXPECT_EQ(shape_of(Answer{}), "0 no body");
}

TEST(Rules, SayWhatIsWrong) {
  const auto wrong = [](const Settings& settings) { return Rules::make(settings).error().message; };
  Settings settings;
  settings.ignore = {"items"};
  EXPECT_EQ(wrong(settings), "\"items\" is no path: it begins with \"$\"");
  settings.ignore = {"$.items[x]"};
  EXPECT_EQ(wrong(settings), "\"$.items[x]\" is no path: \"[x]\" is no index");
  settings.ignore = {"$..a"};
  EXPECT_EQ(wrong(settings), "\"$..a\" is no path: a name is missing after \".\"");
  settings.ignore = {"$[1"};
  EXPECT_EQ(wrong(settings), "\"$[1\" is no path: a \"[\" is not closed");
  settings.ignore.clear();
  settings.mask = {{"$.a", "("}};
  EXPECT_NE(wrong(settings).find("\"(\" is no regular expression"), std::string::npos);
}

}  // namespace
}  // namespace tandem::comparison
