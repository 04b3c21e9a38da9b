#include "app/private_server.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tandem::app {
namespace {

TEST(PrivateConfig, KeepsTheEndpointsAndLeavesOutTheDeployment) {
  const auto text = private_config(R"({
    // a comment
    "listen": ["0.0.0.0:80"], "admin": {"listen": "0.0.0.0:9090", "token_file": "t"}, "state_dir": "/var/lib/tandem",
    "pin": "token", "pin_token_file": "p", "log": {"file": "/var/log/x", "level": "warn"}, "threads": 2,
    "routes": [{"path": "/a", "pin": "off", "experiment": {"id": "x"}, "arms": {"cpp": {"native": "json", "weight": 1}}}]})",
                                   "/tmp/folder");
  ASSERT_TRUE(text) << text.error().message;
  const auto config = nlohmann::json::parse(*text);
  EXPECT_EQ(config["listen"], nlohmann::json({"127.0.0.1:0"}));
  EXPECT_EQ(config["admin"], nlohmann::json({{"listen", "127.0.0.1:0"}}));
  EXPECT_EQ(config["state_dir"], "/tmp/folder/state");
  EXPECT_EQ(config["pin"], "open");
  EXPECT_EQ(config["threads"], 2);
  EXPECT_EQ(config["log"]["level"], "warn");
  EXPECT_FALSE(config["log"].contains("file"));
  EXPECT_FALSE(config.contains("pin_token_file"));
  EXPECT_EQ(config["routes"][0],
            nlohmann::json::parse(R"({"path": "/a", "arms": {"cpp": {"native": "json", "weight": 1}}})"));
}

TEST(PrivateConfig, RefusesWhatIsNoObject) {
  EXPECT_FALSE(private_config("[]", "/tmp"));
  EXPECT_FALSE(private_config("{", "/tmp"));
}

}  // namespace
}  // namespace tandem::app
