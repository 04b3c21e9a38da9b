#include "config/environment.hpp"

#include <gtest/gtest.h>

namespace tandem::config {
namespace {

std::optional<std::string> lookup(std::string_view name) {
  if (name == "HOST") return "example.org";
  if (name == "EMPTY") return "";
  if (name == "TRICK") return "${HOST}";
  return std::nullopt;
}

std::string expanded(std::string_view text) {
  const auto result = expand(text, lookup);
  return result ? *result : "error: " + result.error().message;
}

TEST(Environment, ReplacesReferences) {
  EXPECT_EQ(expanded("plain"), "plain");
  EXPECT_EQ(expanded("http://${HOST}/${HOST}"), "http://example.org/example.org");
  EXPECT_EQ(expanded("${EMPTY}"), "");
}

TEST(Environment, TakesTheDefaultOfWhatIsUnsetOrEmpty) {
  EXPECT_EQ(expanded("${PORT:-8080}"), "8080");
  EXPECT_EQ(expanded("${EMPTY:-full}"), "full");
  EXPECT_EQ(expanded("${HOST:-other}"), "example.org");
  EXPECT_EQ(expanded("${PORT:-}"), "");
}

TEST(Environment, LeavesEscapesAndLoneDollars) {
  EXPECT_EQ(expanded("$${HOST}"), "${HOST}");
  EXPECT_EQ(expanded("a$b $"), "a$b $");
  EXPECT_EQ(expanded("$$"), "$$");
  EXPECT_EQ(expanded("${HOST}$${HOST}${HOST}"), "example.org${HOST}example.org");
}

TEST(Environment, ReplacesOnce) { EXPECT_EQ(expanded("${TRICK}"), "${HOST}"); }

TEST(Environment, RefusesUnsetAndMalformedReferences) {
  EXPECT_NE(expanded("${PORT}").find("PORT is not set"), std::string::npos);
  for (const auto* text : {"${", "${HOST", "${}", "${1X}", "${A B}", "${:-x}", "${HOST:x}"})
    EXPECT_EQ(expanded(text).rfind("error: ", 0), 0u) << text;
}

}  // namespace
}  // namespace tandem::config
