#include "experiment/split_handler.hpp"

#include <gtest/gtest.h>

#include <map>

namespace tandem::experiment {
namespace {

class Named final : public service::Handler {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  service::Outcome handle(http::Request&, service::Call&) const override { return http::text(name_); }

 private:
  std::string name_;
};

class SplitHandlerTest : public ::testing::Test {
 protected:
  SplitHandler split(double a, double b, PinPolicy policy = PinPolicy::open, std::string token = {}) {
    std::vector<Arm> arms(2);
    arms[0].name = "cpp";
    arms[0].weight = a;
    arms[0].handler = &cpp_;
    arms[1].name = "py";
    arms[1].weight = b;
    arms[1].handler = &py_;
    return SplitHandler(std::move(arms), PinRule(policy, std::move(token)));
  }

  // The arm that answered; "!" behind it when the pin was denied.
  std::string answer(const SplitHandler& handler, const std::vector<std::pair<std::string, std::string>>& fields,
                     bool loopback = true) {
    service::Peer peer;
    peer.is_loopback = loopback;
    service::Call call(loop_, peer);
    http::Request request;
    for (const auto& [name, value] : fields) request.headers.add(http::parse_field(name), name, value);
    auto outcome = handler.handle(request, call);
    EXPECT_EQ(outcome.response().body_text(), call.arm);
    EXPECT_TRUE(call.is_twin);
    return std::string(call.arm) + (call.pin_denied ? "!" : "");
  }

  Loop loop_{0};
  Named cpp_{"cpp"}, py_{"py"};
};

TEST_F(SplitHandlerTest, SharesFollowTheWeights) {
  const auto handler = split(1, 3);
  std::map<std::string, int> counts;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) ++counts[answer(handler, {})];
  // Five standard deviations of a binomial with p = 0.25.
  EXPECT_NEAR(counts["cpp"], kDraws * 0.25, 5 * 137);
  EXPECT_EQ(counts["cpp"] + counts["py"], kDraws);
}

TEST_F(SplitHandlerTest, AnArmOfWeightZeroIsReachedByPinOnly) {
  for (const auto& handler : {split(0, 1), split(0, 1e-300)}) {
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(answer(handler, {}), "py");
    EXPECT_EQ(answer(handler, {{"Tandem-Arm", "cpp"}}), "cpp");
  }
  const auto last = split(1, 0);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(answer(last, {}), "cpp");
}

TEST_F(SplitHandlerTest, AnUnknownArmIsDeniedAndTheRequestServed) {
  EXPECT_EQ(answer(split(1, 0), {{"Tandem-Arm", "rust"}}), "cpp!");
}

TEST_F(SplitHandlerTest, LoopbackPinsOnlyWithoutAProxyInBetween) {
  const auto handler = split(1, 0, PinPolicy::loopback, "secret");
  EXPECT_EQ(answer(handler, {{"Tandem-Arm", "py"}}), "py");
  EXPECT_EQ(answer(handler, {{"Tandem-Arm", "py"}, {"X-Forwarded-For", "192.0.2.1"}}), "cpp!");
  EXPECT_EQ(answer(handler, {{"Tandem-Arm", "py"}, {"Forwarded", "for=192.0.2.1"}}), "cpp!");
  EXPECT_EQ(answer(handler, {{"Tandem-Arm", "py"}}, false), "cpp!");
  EXPECT_EQ(answer(handler, {{"Tandem-Arm", "py"}, {"Tandem-Override", "secret"}}, false), "py");
  EXPECT_EQ(answer(handler, {{"Tandem-Arm", "py"}, {"Tandem-Override", "secrets"}}, false), "cpp!");
}

TEST_F(SplitHandlerTest, TokenAndOff) {
  EXPECT_EQ(answer(split(1, 0, PinPolicy::token, "secret"), {{"Tandem-Arm", "py"}}), "cpp!");
  EXPECT_EQ(answer(split(1, 0, PinPolicy::token, "secret"), {{"Tandem-Arm", "py"}, {"Tandem-Override", "secret"}}), "py");
  EXPECT_EQ(answer(split(1, 0, PinPolicy::token, ""), {{"Tandem-Arm", "py"}, {"Tandem-Override", ""}}), "cpp!");
  EXPECT_EQ(answer(split(1, 0, PinPolicy::off, "secret"), {{"Tandem-Arm", "py"}, {"Tandem-Override", "secret"}}), "cpp!");
}

}  // namespace
}  // namespace tandem::experiment
