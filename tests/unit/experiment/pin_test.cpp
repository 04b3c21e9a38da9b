#include "experiment/pin.hpp"

#include <gtest/gtest.h>

#include "base/hmac.hpp"

namespace tandem::experiment {
namespace {

using TimePoint = std::chrono::system_clock::time_point;

TimePoint at(int seconds) { return TimePoint(std::chrono::seconds(seconds)); }

std::string sign(const std::string& experiment, const std::string& message, const std::string& token) {
  return message + "." + format_digest(hmac_sha256(token, experiment + "/" + message));
}

TEST(PinRule, TakesASignedArmUntilItExpires) {
  const PinRule rule(PinPolicy::token, "secret");
  const auto text = sign("port", "cpp.v2.1000", "secret");
  EXPECT_EQ(rule.read_signed(text, "port", at(999)), "cpp.v2");
  EXPECT_EQ(rule.read_signed(text, "port", at(1000)), "");
  EXPECT_EQ(rule.read_signed(text, "other", at(999)), "");
  EXPECT_EQ(rule.read_signed(sign("port", "cpp.1000", "guess"), "port", at(999)), "");
  EXPECT_EQ(PinRule(PinPolicy::off, "secret").read_signed(text, "port", at(999)), "");
  EXPECT_EQ(PinRule(PinPolicy::open, "").read_signed(sign("port", "cpp.1000", ""), "port", at(999)), "");
}

TEST(PinRule, SurvivesTextsThatAreNoSignature) {
  const PinRule rule(PinPolicy::token, "secret");
  for (const auto* text : {"", ".", "..", "...", "cpp", "cpp.1000", "cpp.1000.", ".1000.00", "cpp.x.00", "cpp.-1.00"})
    EXPECT_EQ(rule.read_signed(text, "port", at(0)), "") << text;
}

}  // namespace
}  // namespace tandem::experiment
