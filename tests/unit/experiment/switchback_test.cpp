#include "experiment/switchback.hpp"

#include <gtest/gtest.h>

#include <map>

namespace tandem::experiment {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

Turn turn_at(const Layout& layout, Milliseconds since, std::string_view salt = "salt") {
  return switchback_turn(layout, salt, 30s, 3s, std::chrono::system_clock::time_point(since));
}

TEST(Switchback, GivesEachArmOneBlockOfEveryPair) {
  Layout layout;
  layout.weights_bp = {9000, 1000};
  int first_is_control = 0;
  for (int pair = 0; pair < 1000; ++pair) {
    const auto one = turn_at(layout, 60s * pair).arm, two = turn_at(layout, 60s * pair + 30s).arm;
    ASSERT_NE(one, two);
    first_is_control += one == 0;
  }
  EXPECT_NEAR(first_is_control, 500, 80);  // five standard deviations
}

TEST(Switchback, StaysWithAnArmForTheBlockAndLeavesOutItsBeginning) {
  Layout layout;
  layout.weights_bp = {5000, 5000};
  const auto arm = turn_at(layout, 60s).arm;
  EXPECT_EQ(turn_at(layout, 89'999ms).arm, arm);
  EXPECT_TRUE(turn_at(layout, 60s).is_washout);
  EXPECT_TRUE(turn_at(layout, 62'999ms).is_washout);
  EXPECT_FALSE(turn_at(layout, 63s).is_washout);
  EXPECT_FALSE(turn_at(layout, 89'999ms).is_washout);
}

TEST(Switchback, IsTheSameEverywhereButForTheSalt) {
  Layout layout;
  layout.weights_bp = {5000, 5000};
  int different = 0;
  for (int pair = 0; pair < 100; ++pair)
    different += turn_at(layout, 60s * pair).arm != turn_at(layout, 60s * pair, "pepper").arm;
  EXPECT_GT(different, 25);
  EXPECT_LT(different, 75);
}

TEST(Switchback, LeavesOutArmsWithoutWeight) {
  Layout layout;
  layout.weights_bp = {4000, 0, 3000, 3000};
  std::map<std::size_t, int> turns;
  for (int block = 0; block < 300; ++block) ++turns[turn_at(layout, 30s * block).arm];
  EXPECT_EQ(turns, (std::map<std::size_t, int>{{0, 100}, {2, 100}, {3, 100}}));
}

}  // namespace
}  // namespace tandem::experiment
