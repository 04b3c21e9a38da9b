#include "config/positions.hpp"

#include <gtest/gtest.h>

namespace tandem::config {
namespace {

std::string value_at(const Positions& positions, std::string_view pointer) {
  const auto entry = positions.entries.find(pointer);
  if (entry == positions.entries.end()) return "none";
  return std::to_string(entry->second.value.line) + ":" + std::to_string(entry->second.value.column);
}

TEST(Positions, AreThoseOfValuesAndKeys) {
  const auto positions = scan_positions("{\n  \"a\": [1, {\"b\": true}],\n  \"c\" : \"x\"\n}");
  EXPECT_EQ(value_at(positions, ""), "1:1");
  EXPECT_EQ(value_at(positions, "/a"), "2:8");
  EXPECT_EQ(value_at(positions, "/a/0"), "2:9");
  EXPECT_EQ(value_at(positions, "/a/1"), "2:12");
  EXPECT_EQ(value_at(positions, "/a/1/b"), "2:18");
  EXPECT_EQ(value_at(positions, "/c"), "3:9");
  EXPECT_EQ(positions.entries.at("/c").key.column, 3u);
  EXPECT_EQ(positions.entries.size(), 6u);
}

TEST(Positions, PassOverComments) {
  const auto positions =
      scan_positions("// {\n/* \" } \n */ { // \"x\": 1\n \"a\"/**/:/* , */-1.5e3//\n,\"b\":null }// end");
  EXPECT_EQ(value_at(positions, ""), "3:5");
  EXPECT_EQ(value_at(positions, "/a"), "4:17");
  EXPECT_EQ(value_at(positions, "/b"), "5:6");
}

TEST(Positions, CountCharactersNotBytes) {
  const auto positions = scan_positions("\xEF\xBB\xBF{\"äö€😀\": 1}");
  EXPECT_EQ(value_at(positions, ""), "1:1");
  EXPECT_EQ(value_at(positions, "/äö€😀"), "1:10");
}

TEST(Positions, DecodeNamesAndEscapePointers) {
  const auto positions = scan_positions(R"({"a\"}\u00e9": 1, "p/q~r": {"\\": 2}})");
  EXPECT_EQ(value_at(positions, "/a\"}é"), "1:16");
  EXPECT_EQ(value_at(positions, "/p~1q~0r/\\"), "1:35");
}

TEST(Positions, FindNamesGivenTwice) {
  const auto positions = scan_positions("{\"a\": 1,\n \"a\": 2}");
  ASSERT_EQ(positions.duplicates.size(), 1u);
  EXPECT_EQ(positions.duplicates[0].pointer, "/a");
  EXPECT_EQ(positions.duplicates[0].first.line, 1u);
  EXPECT_EQ(positions.duplicates[0].second.line, 2u);
  EXPECT_EQ(value_at(positions, "/a"), "1:7");
}

}  // namespace
}  // namespace tandem::config
