#include "statistics/proportion.hpp"

#include <cmath>

#include "statistics/special_functions.hpp"

namespace tandem::statistics {

Interval proportion_interval(double x, double n, double alpha) {
  if (n <= 0) return {0, 1};
  const double constant = ln_beta(x + 0.5, n - x + 0.5) - ln_beta(0.5, 0.5) + std::log(alpha);
  const auto excess = [&](double p) {
    const double successes = x > 0 ? x * std::log(p) : 0;
    const double failures = n - x > 0 ? (n - x) * std::log1p(-p) : 0;
    return constant - successes - failures;
  };
  const double share = x / n;
  Interval interval{0, 1};
  if (x > 0) interval.low = bisect(excess, 0, share);
  if (x < n) interval.high = bisect(excess, share, 1);
  return interval;
}

}  // namespace tandem::statistics
