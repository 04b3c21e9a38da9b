#include "http/headers.hpp"

#include <gtest/gtest.h>

namespace tandem::http {
namespace {

TEST(ResponseHeaders, KeepsOrderAndFindsCaseBlind) {
  ResponseHeaders headers;
  EXPECT_TRUE(headers.add("Set-Cookie", "a=1"));
  EXPECT_TRUE(headers.add("X-Empty", ""));
  EXPECT_TRUE(headers.add("set-cookie", "b=2"));
  EXPECT_EQ(headers.wire(), "Set-Cookie: a=1\r\nX-Empty: \r\nset-cookie: b=2\r\n");
  EXPECT_EQ(headers.find("SET-COOKIE"), "a=1");
  EXPECT_TRUE(headers.contains("x-empty"));
  EXPECT_FALSE(headers.contains("x-none"));
}

TEST(ResponseHeaders, RefusesWhatWouldSplitAResponse) {
  ResponseHeaders headers;
  EXPECT_FALSE(headers.add("X-A", "b\r\nSet-Cookie: stolen=1"));
  EXPECT_FALSE(headers.add("X-A", std::string_view("b\0c", 3)));
  EXPECT_FALSE(headers.add("X A", "b"));
  EXPECT_FALSE(headers.add("", "b"));
  EXPECT_FALSE(headers.add("X:A", "b"));
  EXPECT_TRUE(headers.empty());
}

}  // namespace
}  // namespace tandem::http
