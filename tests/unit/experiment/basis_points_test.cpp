#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "experiment/layout.hpp"

namespace tandem::experiment {
namespace {

using Points = std::vector<unsigned>;

TEST(BasisPoints, GiveWhatRoundingLeavesToTheLargestRemainders) {
  EXPECT_EQ(basis_points({50, 50}), (Points{5000, 5000}));
  EXPECT_EQ(basis_points({1, 1, 1}), (Points{3334, 3333, 3333}));
  EXPECT_EQ(basis_points({2, 1}), (Points{6667, 3333}));
  EXPECT_EQ(basis_points({0, 1}), (Points{0, 10000}));
  EXPECT_EQ(basis_points({99, 1}), (Points{9900, 100}));
  EXPECT_EQ(basis_points({0.1, 0.2, 0.7}), (Points{1000, 2000, 7000}));
}

TEST(BasisPoints, SumToTheWholeWhateverTheShares) {
  const double large = std::numeric_limits<double>::max(), small = std::numeric_limits<double>::denorm_min();
  for (const auto& shares :
       {std::vector<double>{large, large, large}, {small, small}, {large, small}, {1e-5, 1, 3, 1e9}, {7, 11, 13, 17, 19}}) {
    const auto points = basis_points(shares);
    EXPECT_EQ(std::accumulate(points.begin(), points.end(), 0u), kBuckets);
  }
}

}  // namespace
}  // namespace tandem::experiment
