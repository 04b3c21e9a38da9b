// Experiments of fixed length: paired blocks, looked at once, at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "statistics/interval.hpp"

namespace tandem::statistics {

struct BlockEffect {
  double mean = 0;
  Interval interval;       // Student's, with B − 1 degrees of freedom
  double sign_flip_p = 1;  // exact, two-sided: over all 2^B signs; the smallest possible is 2^(1−B), so B ≥ 6
};

// Of the differences Dᵢ = ln(stat_t / stat_c) of 2 to 24 blocks.
BlockEffect block_effect(std::span<const double> differences, double alpha);

// Ranks (from 1) of the order statistics of n independent values between which the p-quantile lies with probability 1 − α at
// least; an end that n values do not give is missing.
struct RankInterval {
  std::optional<std::uint64_t> low;
  std::optional<std::uint64_t> high;
};
RankInterval quantile_ranks(std::uint64_t n, double p, double alpha);

// The fewest values whose maximum is above the p-quantile with the probability `confidence` (Wilks 1941).
std::uint64_t wilks_minimum(double p, double confidence);

}  // namespace tandem::statistics
