// Logarithms of the gamma and beta functions, by Boost.Math.
#pragma once

#include <span>

namespace tandem::statistics {

// x > 0.
double ln_gamma(double x);
// a, b > 0.
double ln_beta(double a, double b);
// Of the multivariate beta function: Σ lnΓ(vᵢ) − lnΓ(Σ vᵢ); all vᵢ > 0.
double ln_beta(std::span<const double> values);
// ln ∫₀ˣ u^(a−1) (1−u)^(b−1) du, not normalised; 0 < x ≤ 1.
double ln_incomplete_beta(double a, double b, double x);

// The root of a monotone function between `low` and `high`, whose signs there differ, to the last bits.
template <class Function>
double bisect(const Function& function, double low, double high) {
  const bool rises = function(high) > 0;
  for (int i = 0; i < 200; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    ((function(middle) > 0) == rises ? high : low) = middle;
  }
  return low + (high - low) / 2;
}

}  // namespace tandem::statistics
