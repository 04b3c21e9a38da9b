#include "config/overrides.hpp"

#include <gtest/gtest.h>

#include "config/listen.hpp"

namespace tandem::config {
namespace {

Config given() {
  Config config;
  config.listen = {parse_listen("0.0.0.0:8080").value()};
  config.admin.listen = parse_listen("127.0.0.1:9090").value();
  config.pools["python"];
  return config;
}

TEST(Overrides, WinOverTheFile) {
  auto config = given();
  Overrides overrides;
  overrides.listen = {parse_listen("127.0.0.1:1").value(), parse_listen("unix:/x").value()};
  overrides.admin = parse_listen("[::1]:2").value();
  overrides.threads = 3;
  overrides.workers = 4;
  overrides.log_level = "warn";
  ASSERT_TRUE(apply(overrides, config));
  EXPECT_EQ(config.listen.size(), 2u);
  EXPECT_EQ(config.admin.listen->text, "[::1]:2");
  EXPECT_EQ(config.threads, 3u);
  EXPECT_EQ(config.pools["python"].workers, 4u);
  EXPECT_EQ(config.log.level, "warn");
}

TEST(Overrides, LeaveTheRestAlone) {
  auto config = given();
  ASSERT_TRUE(apply(Overrides(), config));
  EXPECT_EQ(config.listen[0].text, "0.0.0.0:8080");
  EXPECT_EQ(config.log.level, "info");
}

TEST(Overrides, ObeyTheRulesOfTheFile) {
  auto config = given();
  Overrides open_admin;
  open_admin.admin = parse_listen("0.0.0.0:9090").value();
  EXPECT_FALSE(apply(open_admin, config));

  config = given();
  Overrides same_address;
  same_address.listen = {parse_listen("127.0.0.1:9090").value()};
  EXPECT_FALSE(apply(same_address, config));

  config = given();
  config.pools["python"].mode = pool::Mode::thread;
  Overrides two_workers;
  two_workers.workers = 2;
  EXPECT_FALSE(apply(two_workers, config));
}

}  // namespace
}  // namespace tandem::config
