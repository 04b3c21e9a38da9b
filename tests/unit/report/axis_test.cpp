#include "report/axis.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tandem::report::charts {
namespace {

TEST(LogAxis, EqualRatiosAreEqualLengths) {
  const LogAxis axis{0.5, 2, 0, 200};
  EXPECT_DOUBLE_EQ(axis.at(0.5), 0);
  EXPECT_DOUBLE_EQ(axis.at(1), 100);
  EXPECT_DOUBLE_EQ(axis.at(2), 200);
  EXPECT_DOUBLE_EQ(axis.at(0), 0) << "what is outside stands at the end";
  EXPECT_DOUBLE_EQ(axis.at(1e9), 200);
}

TEST(LogAxis, RunsUpwardsToo) {
  const LogAxis axis{1, 100, 180, 20};
  EXPECT_DOUBLE_EQ(axis.at(1), 180);
  EXPECT_DOUBLE_EQ(axis.at(10), 100);
}

TEST(LogAxis, TicksAreRoundAndKeepTheirDistance) {
  EXPECT_EQ(ticks({1, 1000, 0, 100}, 30), (std::vector<double>{1, 10, 100, 1000}));
  for (const auto& axis : {LogAxis{0.9, 1.1, 0, 350}, LogAxis{0.05, 3, 0, 350}, LogAxis{0.99, 40, 200, 0}}) {
    const auto found = ticks(axis, 36);
    EXPECT_GE(found.size(), 3u);
    EXPECT_NE(std::find(found.begin(), found.end(), 1.0), found.end()) << "ratios are read against 1";
    for (std::size_t i = 1; i < found.size(); ++i) EXPECT_GE(std::abs(axis.at(found[i]) - axis.at(found[i - 1])), 36);
  }
}

TEST(TimeAxis, TicksAreFullMinutes) {
  const TimeAxis axis{1'700'000'000, 1'700'000'240, 0, 100};  // 22:13:20 UTC
  const auto found = ticks(axis);
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found.front().label, "22:14");
  EXPECT_EQ(found.back().label, "22:17");
  EXPECT_NEAR(axis.at(found.front().unix_seconds), 100 * 40 / 240.0, 1e-9);
}

TEST(TimeAxis, TicksOfDaysAndOfNoTimeAtAll) {
  const auto days = ticks({1'700'000'000, 1'700'000'000 + 4 * 86'400, 0, 100});
  EXPECT_EQ(days.front().label, "11-15");
  EXPECT_LE(ticks({7, 7, 0, 100}).size(), 5u);
  EXPECT_LE(ticks({0, 4'000'000'000, 0, 100}).size(), 5u);
}

}  // namespace
}  // namespace tandem::report::charts
