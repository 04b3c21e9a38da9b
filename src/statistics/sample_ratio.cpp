#include "statistics/sample_ratio.hpp"

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <numeric>
#include <vector>

#include "statistics/special_functions.hpp"

namespace tandem::statistics {
namespace {

struct Arms {
  std::vector<std::uint64_t> counts;
  std::vector<double> shares;  // sum 1
  double total = 0;
};

Arms with_weight(std::span<const std::uint64_t> counts, std::span<const double> weights) {
  Arms arms;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!(weights[i] > 0)) continue;
    arms.counts.push_back(counts[i]);
    arms.shares.push_back(weights[i]);
    arms.total += static_cast<double>(counts[i]);
  }
  const double sum = std::accumulate(arms.shares.begin(), arms.shares.end(), 0.0);
  for (double& share : arms.shares) share /= sum;
  return arms;
}

}  // namespace

double sample_ratio_p(std::span<const std::uint64_t> counts, std::span<const double> weights) {
  const auto arms = with_weight(counts, weights);
  if (arms.counts.size() < 2 || arms.total == 0) return 1;
  double chi_square = 0;
  for (std::size_t i = 0; i < arms.counts.size(); ++i) {
    const double expected = arms.total * arms.shares[i];
    const double difference = static_cast<double>(arms.counts[i]) - expected;
    chi_square += difference * difference / expected;
  }
  return boost::math::gamma_q(static_cast<double>(arms.counts.size() - 1) / 2, chi_square / 2);
}

double sample_ratio_deviation(std::span<const std::uint64_t> counts, std::span<const double> weights) {
  const auto arms = with_weight(counts, weights);
  double largest = 0;
  for (std::size_t i = 0; arms.total > 0 && i < arms.counts.size(); ++i) {
    const double expected = arms.total * arms.shares[i];
    largest = std::max(largest, std::abs(static_cast<double>(arms.counts[i]) - expected) / expected);
  }
  return largest;
}

double ln_multinomial_e(std::span<const std::uint64_t> counts, std::span<const double> shares,
                        std::span<const double> prior) {
  std::vector<double> posterior(prior.begin(), prior.end());
  double ln_null = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    posterior[i] += static_cast<double>(counts[i]);
    ln_null += static_cast<double>(counts[i]) * std::log(shares[i]);
  }
  return ln_beta(posterior) - ln_beta(prior) - ln_null;
}

double ln_sample_ratio_e(std::span<const std::uint64_t> counts, std::span<const double> weights, double k) {
  const auto arms = with_weight(counts, weights);
  if (arms.counts.size() < 2) return 0;
  std::vector<double> prior;
  for (const double share : arms.shares) prior.push_back(k * share);
  return ln_multinomial_e(arms.counts, arms.shares, prior);
}

}  // namespace tandem::statistics
