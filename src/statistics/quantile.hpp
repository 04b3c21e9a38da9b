// Quantiles of one arm and of two, with rank intervals that hold at every look and make no assumption about the
// distribution: Howard & Ramdas, "Sequential estimation of quantiles with applications to A/B testing and best-arm
// identification", Bernoulli 2022. Requests of one time or one client are alike, so their number is divided by a design
// effect.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "statistics/interval.hpp"
#include "statistics/mean_ratio.hpp"

namespace tandem::statistics {

// A counted bucket of a histogram, of values low ≤ x ≤ high.
struct Bin {
  double low = 0;
  double high = 0;
  std::uint64_t count = 0;
};

// The bin that holds the value of rank ⌈p·n⌉ (at least the first, at most the last). `bins`: not empty, by value, counts >
// 0.
const Bin& quantile_bin(std::span<const Bin> bins, double p);
// Its midpoint.
double quantile(std::span<const Bin> bins, double p);

// By how much the number of requests overstates what the share y/n says: max(1, var / (p(1−p)/n)), the variance that of the
// share over windows or clusters. 1 with fewer than two of them.
double design_effect(std::span<const Sums> sums);

// How far in rank, as a share, a quantile's interval reaches below and above p with t independent requests.
struct RankRadii {
  double low = 0;   // +∞: no lower end
  double high = 0;  // +∞: no upper end
};
RankRadii rank_radii(double p, double t, double alpha, double t_opt = 10'000, Sides sides = Sides::two);

// The values at p − radii.low and p + radii.high, each bin's outer edge; an end that the ranks do not reach is infinite
// (0 below, since durations and counts are not negative).
Interval quantile_interval(std::span<const Bin> bins, double p, const RankRadii& radii);

struct QuantileRatio {
  double ratio = 0;
  Interval interval;
  double design_effect_control = 1;
  double design_effect_candidate = 1;
};

// Quantile of the candidate over that of control; α/2 for each arm. Design effects ≥ 1.
QuantileRatio quantile_ratio(std::span<const Bin> control, std::span<const Bin> candidate, double p, double alpha,
                             double design_effect_control, double design_effect_candidate, double t_opt = 10'000,
                             Sides sides = Sides::two);

// p-value, valid at every look, of "both arms have the same p-quantile" (Theorem 5 of the paper).
double quantile_p_value(std::span<const Bin> a, std::span<const Bin> b, double p, double t_opt = 10'000);

// Half the height of a band around the distribution function that holds for all quantiles at once and all t ≥ m.
double distribution_band(double t, double alpha, double m = 100);

}  // namespace tandem::statistics
