#include "loadgen/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tandem::loadgen {
namespace {

TEST(Schedule, ConstantGapsDoNotDrift) {
  Schedule schedule(3, Arrivals::constant, 1);
  const auto first = schedule.next();
  for (int i = 0; i < 3'000'000; ++i) schedule.advance();
  EXPECT_NEAR(std::chrono::duration<double>(schedule.next() - first).count(), 1e6, 1e-6);
}

TEST(Schedule, TheSameSeedIsTheSameSchedule) {
  Schedule a(100, Arrivals::poisson, 7), b(100, Arrivals::poisson, 7), other(100, Arrivals::poisson, 8);
  bool is_other = false;
  for (int i = 0; i < 100; ++i, a.advance(), b.advance(), other.advance()) {
    EXPECT_EQ(a.next(), b.next());
    is_other = is_other || a.next() != other.next();
  }
  EXPECT_TRUE(is_other);
}

// Gaps of a Poisson process: mean 1/rate, deviation the same, never negative.
TEST(Schedule, PoissonGapsAreExponential) {
  constexpr int kGaps = 100'000;
  Schedule schedule(50, Arrivals::poisson, 3);
  double sum = 0, squares = 0;
  auto last = schedule.next();
  for (int i = 0; i < kGaps; ++i) {
    schedule.advance();
    const auto gap = std::chrono::duration<double>(schedule.next() - last).count();
    ASSERT_GE(gap, 0);
    last = schedule.next();
    sum += gap;
    squares += gap * gap;
  }
  const auto mean = sum / kGaps;
  EXPECT_NEAR(mean, 0.02, 0.0004);
  EXPECT_NEAR(std::sqrt(squares / kGaps - mean * mean), 0.02, 0.0006);
}

}  // namespace
}  // namespace tandem::loadgen
