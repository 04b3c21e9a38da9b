#include "loadgen/target.hpp"

#include <gtest/gtest.h>

namespace tandem::loadgen {
namespace {

TEST(Target, IsHostPortAndPath) {
  const auto target = parse_target("http://127.0.0.1:8080/fib/20?x=1#top");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->host, "127.0.0.1:8080");
  EXPECT_EQ(target->name, "127.0.0.1");
  EXPECT_EQ(target->port, "8080");
  EXPECT_EQ(target->path, "/fib/20?x=1");
  EXPECT_EQ(parse_target("http://localhost")->port, "80");
  EXPECT_EQ(parse_target("http://localhost?a=b")->path, "/?a=b");
  EXPECT_EQ(parse_target("http://[::1]:81/")->name, "::1");
  EXPECT_EQ(parse_target("unix:/run/tandem.sock")->socket, "/run/tandem.sock");
}

TEST(Target, RefusesWhatCanNotBeLoaded) {
  for (const auto* url : {"", "localhost:80", "https://x/", "http://", "http://:80/", "http://u:p@x/", "http://x:port/",
                          "http://x:99999/", "unix:"})
    EXPECT_FALSE(parse_target(url)) << url;
}

TEST(Target, KnowsWhatIsOnThisMachine) {
  EXPECT_TRUE(resolve(*parse_target("http://127.0.0.1:1/"))->is_local);
  EXPECT_TRUE(resolve(*parse_target("http://[::1]:1/"))->is_local);
  EXPECT_TRUE(resolve(*parse_target("unix:/x"))->is_local);
  EXPECT_FALSE(resolve(*parse_target("http://192.0.2.1:1/"))->is_local);
  EXPECT_FALSE(resolve(*parse_target("http://[2001:db8::1]:1/"))->is_local);
}

}  // namespace
}  // namespace tandem::loadgen
