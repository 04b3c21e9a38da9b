// Means per request of two arms, and their ratio, with intervals that hold at every look: asymptotic confidence sequences
// over paired windows (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic
// confidence sequences", Annals of Statistics 2024). A window absorbs the correlation inside it, pairing cancels what both
// arms met together.
#pragma once

#include <cstddef>
#include <span>

#include "statistics/interval.hpp"
#include "statistics/mixture.hpp"

namespace tandem::statistics {

// Requests, and the sum of the metric over them.
struct Sums {
  double n = 0;
  double y = 0;
};

// One window of both arms.
struct PairedWindow {
  Sums control;
  Sums candidate;
};

// Half the width of the confidence sequence of a mean of `windows` terms with the standard deviation `s`, narrowest at
// `planned` windows. Requires windows ≥ 1, 0 < α < 1.
double half_width(double s, double windows, double alpha, double planned, Sides sides = Sides::two);

// An estimate as the mean of so many terms, and how they spread.
struct Estimate {
  double value = 0;
  double s = 0;        // standard deviation of one window's term
  double windows = 0;  // W

  double standard_error() const;
  // One-sided: only the lower end says something (with Sides::one) and the upper one is infinite.
  Interval interval(double alpha, double planned, Sides sides = Sides::two) const;
};

// Σy/Σn of one arm over windows or clusters; 0 without requests.
double mean_of(std::span<const Sums> sums);

// θ = ln(R_t/R_c), linearised per window: z_w = (y_tw − R_t n_tw)/(n̄_t R_t) − (y_cw − R_c n_cw)/(n̄_c R_c). Both means are
// positive and there are two windows at least.
Estimate ln_ratio(std::span<const PairedWindow> windows);
// R_t − R_c, with 1/n̄ in place of 1/(n̄ R).
Estimate difference(std::span<const PairedWindow> windows);

// Of terms that are one a window already, one at least.
Estimate mean_of_terms(std::span<const double> terms);

// The variance of ln R of one arm from sums per key cluster; 0 with fewer than two clusters or no mean.
double ln_mean_variance(std::span<const Sums> clusters);
// (Σ nᵢ)² / Σ nᵢ²: with fewer than about 30 the clusters say little.
double effective_clusters(std::span<const Sums> clusters);
// The estimate with the larger of its own standard error and √`variance`.
Estimate with_variance_at_least(Estimate estimate, double variance);

// Several epochs, of different layouts: weights by windows, never the raw sums (Simpson's paradox).
Estimate combined(std::span<const Estimate> epochs);

}  // namespace tandem::statistics
