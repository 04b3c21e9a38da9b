#include "app/route_lookup.hpp"

#include <gtest/gtest.h>

namespace tandem::app {
namespace {

TEST(RouteLookup, FindsTheMostSpecificRoute) {
  const auto lookup = RouteLookup::make({{"fib", "/fib/{n}", {"GET", "HEAD"}},
                                         {"one", "/fib/1", {"GET"}},
                                         {"any", "/echo", {"*"}},
                                         {"shop", "/shop/*", {"*"}}});
  ASSERT_TRUE(lookup) << lookup.error().message;
  EXPECT_EQ(lookup->find("GET", "/fib/20?x=1"), 0U);
  EXPECT_EQ(lookup->find("GET", "/fib/1"), 1U);
  EXPECT_EQ(lookup->find("PATCH", "/echo"), 2U);
  EXPECT_EQ(lookup->find("GET", "/shop/cart/7"), 3U);
  EXPECT_FALSE(lookup->find("POST", "/fib/20"));
  EXPECT_FALSE(lookup->find("GET", "/nowhere"));
  EXPECT_FALSE(lookup->find("GET", "no path"));
}

TEST(RouteLookup, RefusesPathsThatAreNone) {
  EXPECT_FALSE(RouteLookup::make({{"x", "no-slash", {"GET"}}}));
  EXPECT_FALSE(RouteLookup::make({{"x", "/a/{n}", {"GET"}}, {"y", "/a/{m}", {"GET"}}}));
}

}  // namespace
}  // namespace tandem::app
