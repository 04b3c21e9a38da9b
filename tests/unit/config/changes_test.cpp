#include "config/changes.hpp"

#include <gtest/gtest.h>

#include "config/listen.hpp"

namespace tandem::config {
namespace {

Config given() {
  Config config;
  config.listen = {parse_listen("0.0.0.0:8080").value()};
  config.admin.listen = parse_listen("127.0.0.1:9090").value();
  return config;
}

using Keys = std::vector<std::string>;

TEST(Changes, NothingWaitsWhenNothingOfItChanged) {
  auto wanted = given();
  wanted.net.limits.connections = 7;
  wanted.log.level = "debug";
  wanted.log.access = false;
  wanted.debug = true;
  wanted.pin_token = "secret";
  wanted.pools["python"].workers = 9;
  EXPECT_EQ(find_restart_keys(given(), wanted), Keys{});
}

TEST(Changes, NamesEveryKeyThatWaits) {
  auto wanted = given();
  wanted.listen.push_back(parse_listen("unix:/x").value());
  wanted.threads = 5;
  wanted.admin.listen.reset();
  wanted.log.format = "json";
  wanted.log.file = "/x.log";
  wanted.state_dir = "/x";
  EXPECT_EQ(find_restart_keys(given(), wanted),
            (Keys{"listen", "threads", "admin.listen", "log.format", "log.file", "state_dir"}));
}

TEST(Changes, AddressesAreComparedByWhatTheyMean) {
  auto wanted = given();
  wanted.listen.front().text = ":8080";
  EXPECT_EQ(find_restart_keys(given(), wanted), Keys{});
  wanted.listen.front().port = 8081;
  EXPECT_EQ(find_restart_keys(given(), wanted), Keys{"listen"});
}

}  // namespace
}  // namespace tandem::config
