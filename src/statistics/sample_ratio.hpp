// Do the arms hold the share of keys that was meant for them (sample ratio mismatch)?
#pragma once

#include <cstdint>
#include <span>

namespace tandem::statistics {

// Pearson's chi-square at a fixed time: X² = Σ (Oᵢ−Eᵢ)²/Eᵢ, p = Q(df/2, X²/2). Arms of no weight are left out; 1 when fewer
// than two are left or nothing was counted. `weights`: any non-negative shares, as many as counts.
double sample_ratio_p(std::span<const std::uint64_t> counts, std::span<const double> weights);

// The largest |O−E|/E of the arms that have a weight.
double sample_ratio_deviation(std::span<const std::uint64_t> counts, std::span<const double> weights);

// ln of the multinomial e-value with a Dirichlet prior: ln B(a+n) − ln B(a) − Σ nᵢ ln θᵢ. Valid whenever it is looked at: an
// alarm at ln E ≥ ln(1/α). `shares` θ are positive and sum to 1. Source: Lindon & Malek, NeurIPS 2022.
double ln_multinomial_e(std::span<const std::uint64_t> counts, std::span<const double> shares,
                        std::span<const double> prior);

// The same with the prior a = kθ. Arms of no weight are left out.
double ln_sample_ratio_e(std::span<const std::uint64_t> counts, std::span<const double> weights, double k = 100);

}  // namespace tandem::statistics
