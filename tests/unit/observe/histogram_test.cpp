#include "observe/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

namespace tandem::observe {
namespace {

TEST(Histogram, EveryBucketBeginsWhereTheOneBeforeEnds) {
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    ASSERT_LT(Histogram::lower_bound(i), Histogram::lower_bound(i + 1)) << i;
    ASSERT_EQ(Histogram::index_of(Histogram::lower_bound(i)), i);
    ASSERT_EQ(Histogram::index_of(Histogram::lower_bound(i + 1) - 1), i);
  }
  EXPECT_EQ(Histogram::lower_bound(Histogram::kBuckets), Histogram::kMaxNs + 1);
}

TEST(Histogram, BucketsHaveTheirKnownPlaces) {
  using Buckets = Histogram::Buckets;
  for (const auto& [ns, index] : {std::pair<std::uint64_t, std::size_t>{0, 0},
                                  {127, 127},
                                  {128, 128},
                                  {255, 255},
                                  {256, 256},
                                  {257, 256},
                                  {1000, 506},
                                  {1'000'000, 1780},
                                  {1'000'000'000, 3054},
                                  {(std::uint64_t{1} << 36) - 1, 3839},
                                  {std::uint64_t{1} << 36, 3839},
                                  {~std::uint64_t{0}, 3839}})
    EXPECT_EQ(Buckets::index_of(ns), index) << ns;
  const auto range = [](std::size_t index) {
    return std::pair(Buckets::lower_bound(index), Buckets::lower_bound(index + 1));
  };
  using Range = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(range(506), Range(1000, 1004));
  EXPECT_EQ(range(1780), Range(999'424, 1'003'520));
  EXPECT_EQ(range(3054), Range(998'244'352, 1'002'438'656));
}

TEST(Histogram, CountsBelowPowersOfTwoAndTheirQuartersAreExact) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> times(11, 3);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20000; ++i) {
    values.push_back(static_cast<std::uint64_t>(times(random)) % Histogram::kMaxNs);
    histogram.record(Nanoseconds(values.back()));
  }
  const auto snapshot = histogram.snapshot();
  for (unsigned power = 3; power < 36; ++power)
    for (std::uint64_t quarter = 0; quarter < 4; ++quarter) {
      const auto border = (std::uint64_t{1} << power) + (quarter << power) / 4;
      const auto below = std::count_if(values.begin(), values.end(), [border](auto value) { return value < border; });
      ASSERT_EQ(snapshot.count_below(border), static_cast<std::uint64_t>(below)) << border;
    }
}

TEST(Histogram, QuantilesAreWithinTheirBound) {
  std::mt19937_64 random(2);
  std::lognormal_distribution<double> times(12, 2);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 50000; ++i) {
    values.push_back(static_cast<std::uint64_t>(times(random)));
    histogram.record(Nanoseconds(values.back()));
  }
  std::sort(values.begin(), values.end());
  const auto snapshot = histogram.snapshot();
  for (const double q : {0.0, 0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = std::max<std::size_t>(static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))), 1);
    const auto exact = static_cast<double>(values[rank - 1]);
    EXPECT_NEAR(snapshot.quantile_ns(q), exact, exact / 256) << q;
  }
}

TEST(Histogram, SmallValuesAreKeptExactly) {
  Histogram histogram;
  histogram.record(Nanoseconds(0));
  histogram.record(Nanoseconds(127));
  histogram.record(Nanoseconds(-5));
  EXPECT_EQ(histogram.snapshot().quantile_ns(0.5), 0);
  EXPECT_EQ(histogram.snapshot().quantile_ns(1), 127);
}

TEST(Histogram, AnEmptyOneHasNoQuantile) {
  const auto snapshot = Histogram().snapshot();
  EXPECT_EQ(snapshot.count, 0u);
  EXPECT_EQ(snapshot.quantile_ns(0.99), 0);
}

TEST(Histogram, ValuesBeyondTheLastBucketAreCountedAsClamped) {
  Histogram histogram;
  histogram.record(std::chrono::minutes(5));
  histogram.record(Nanoseconds(Histogram::kMaxNs));
  const auto snapshot = histogram.snapshot();
  EXPECT_EQ(snapshot.count, 2u);
  EXPECT_EQ(snapshot.clamped, 1u);
  EXPECT_EQ(snapshot.max_ns, 300'000'000'000u);
  EXPECT_EQ(snapshot.sum_ns, 300'000'000'000u + Histogram::kMaxNs);
  EXPECT_EQ(snapshot.count_below(Histogram::kMaxNs + 1), 1u);
}

TEST(Histogram, MergedSnapshotsAreThatOfAllValues) {
  Histogram all, first, second;
  std::mt19937_64 random(3);
  for (int i = 0; i < 5000; ++i) {
    const Nanoseconds value(random() % 1'000'000);
    all.record(value);
    (i % 3 == 0 ? first : second).record(value);
  }
  auto merged = first.snapshot();
  merged.merge(second.snapshot());
  const auto expected = all.snapshot();
  EXPECT_EQ(merged.counts, expected.counts);
  EXPECT_EQ(merged.count, expected.count);
  EXPECT_EQ(merged.sum_ns, expected.sum_ns);
  EXPECT_EQ(merged.max_ns, expected.max_ns);
}

TEST(Histogram, IsReadWhileItIsWritten) {
  Histogram histogram;
  std::thread writer([&histogram] {
    for (int i = 0; i < 20000; ++i) histogram.record(Nanoseconds(i));
  });
  std::uint64_t before = 0;
  while (before < 20000) {
    const auto count = histogram.snapshot().count;
    ASSERT_GE(count, before);
    before = count;
  }
  writer.join();
}

}  // namespace
}  // namespace tandem::observe
