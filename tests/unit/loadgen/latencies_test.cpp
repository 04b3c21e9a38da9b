#include "loadgen/latencies.hpp"

#include <gtest/gtest.h>

namespace tandem::loadgen {
namespace {

TEST(Latencies, NothingIsZero) {
  const Latencies none;
  EXPECT_EQ(none.count(), 0U);
  EXPECT_EQ(none.mean_ns(), 0);
  EXPECT_EQ(none.quantile_ns(0.99), 0);
}

TEST(Latencies, QuantilesAreWithinABucketAndTheMeanIsExact) {
  Latencies latencies;
  for (int ms = 1; ms <= 1000; ++ms) latencies.record(Milliseconds(ms));
  EXPECT_DOUBLE_EQ(latencies.mean_ns(), 500.5e6);
  EXPECT_DOUBLE_EQ(latencies.max_ns(), 1000e6);
  for (const double q : {0.5, 0.9, 0.99, 1.0}) EXPECT_NEAR(latencies.quantile_ns(q), q * 1000e6, q * 1000e6 * 0.004) << q;
}

TEST(Latencies, NegativeAndHugeOnesAreCounted) {
  Latencies latencies;
  latencies.record(Nanoseconds(-5));
  latencies.record(std::chrono::hours(24));
  EXPECT_EQ(latencies.count(), 2U);
  EXPECT_GE(latencies.mean_ns(), 0);
}

TEST(Latencies, MergedAreTheSameAsRecordedTogether) {
  Latencies odd, even, all;
  for (int us = 1; us < 5000; ++us) {
    (us % 2 == 0 ? even : odd).record(std::chrono::microseconds(us));
    all.record(std::chrono::microseconds(us));
  }
  odd.merge(even);
  odd.merge(Latencies());
  EXPECT_EQ(odd.counts(), all.counts());
  EXPECT_DOUBLE_EQ(odd.mean_ns(), all.mean_ns());
  EXPECT_DOUBLE_EQ(odd.max_ns(), all.max_ns());
}

}  // namespace
}  // namespace tandem::loadgen
