#include "http/target.hpp"

#include <gtest/gtest.h>

namespace tandem::http {
namespace {

TEST(Target, FourForms) {
  const auto origin = parse_target("/a/b?x=1&y", false, false);
  ASSERT_TRUE(origin.ok());
  EXPECT_EQ(origin->path, "/a/b");
  EXPECT_EQ(origin->query, "x=1&y");
  const auto absolute = parse_target("http://h.example:81?q", false, false);
  ASSERT_TRUE(absolute.ok());
  EXPECT_EQ(absolute->authority, "h.example:81");
  EXPECT_EQ(absolute->path, "/");
  EXPECT_EQ(absolute->query, "q");
  EXPECT_EQ(parse_target("h:443", true, false)->authority, "h:443");
  EXPECT_EQ(parse_target("*", false, true)->path, "*");
}

TEST(Target, RefusesWhatMustBeEncoded) {
  for (const char* text : {"", "a", "*", "/a b", "/a#b", "/\x7f", "/\xC3\xA9", "/%", "/%4", "/%zz", "/%00", "ftp://h/",
                           "http://", "http://u@h/", "/a\\b"})
    EXPECT_FALSE(parse_target(text, false, false).ok()) << text;
}

TEST(Target, TakesWhatBrowsersLeaveInAQuery) {
  for (const char* query : {"q=100%", "%zz", "a=^`\\|{}", "%00"}) {
    const auto text = "/a?" + std::string(query);
    const auto target = parse_target(text, false, false);
    ASSERT_TRUE(target.ok()) << query;
    EXPECT_EQ(target->query, query);
  }
  for (const char* text : {"/%?a", "/a?b c", "/a?\"", "/a?<>", "/a?b#c"})
    EXPECT_FALSE(parse_target(text, false, false).ok());
}

TEST(Authority, HostAndPort) {
  for (const char* text : {"h", "h:80", "127.0.0.1", "[::1]", "[::1]:8080", "a-b.example", "h:"})
    EXPECT_TRUE(is_authority(text)) << text;
  for (const char* text : {"", ":80", "a,b", "a/b", "u@h", "h:80:90", "h:x", "[::1", "[]", "a b", "h:123456"})
    EXPECT_FALSE(is_authority(text)) << text;
}

TEST(Query, FirstValueDecoded) {
  EXPECT_EQ(find_query("a=1&b=x%20y+z&a=2", "a"), "1");
  EXPECT_EQ(find_query("a=1&b=x%20y+z", "b"), "x y z");
  EXPECT_EQ(find_query("flag&c=", "flag"), "");
  EXPECT_EQ(find_query("rate=100%&%zz=1", "rate"), "100%");
  EXPECT_EQ(find_query("flag&c=", "d"), std::nullopt);
}

}  // namespace
}  // namespace tandem::http
