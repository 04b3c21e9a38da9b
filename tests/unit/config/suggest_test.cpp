#include "config/suggest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tandem::config {
namespace {

TEST(Suggest, CountsEdits) {
  EXPECT_EQ(edit_distance("limits", "limits"), 0u);
  EXPECT_EQ(edit_distance("limts", "limits"), 1u);
  EXPECT_EQ(edit_distance("limtis", "limits"), 1u);  // a swap of neighbours
  EXPECT_EQ(edit_distance("GET", "get"), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
}

TEST(Suggest, NamesTheNearestWordOrNothing) {
  const std::vector<std::string> known = {"listen", "limits", "log"};
  EXPECT_EQ(did_you_mean("limts", known), " (did you mean \"limits\"?)");
  EXPECT_EQ(did_you_mean("Listen", known), " (did you mean \"listen\"?)");
  EXPECT_EQ(did_you_mean("routes", known), "");
  EXPECT_EQ(did_you_mean("", known), "");
  EXPECT_EQ(did_you_mean(std::string(10'000, 'l'), known), "");
}

}  // namespace
}  // namespace tandem::config
