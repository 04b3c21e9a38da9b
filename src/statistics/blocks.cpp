#include "statistics/blocks.hpp"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace tandem::statistics {
namespace {

double sign_flip_p(std::span<const double> differences, double sum) {
  const std::uint64_t signs = std::uint64_t{1} << differences.size();
  const double limit = std::abs(sum) * (1 - 1e-12);
  std::uint64_t as_far = 0;
  for (std::uint64_t flips = 0; flips < signs; ++flips) {
    double flipped = 0;
    for (std::size_t i = 0; i < differences.size(); ++i)
      flipped += ((flips >> i) & 1) != 0 ? -differences[i] : differences[i];
    if (std::abs(flipped) >= limit) ++as_far;
  }
  return static_cast<double>(as_far) / static_cast<double>(signs);
}

}  // namespace

BlockEffect block_effect(std::span<const double> differences, double alpha) {
  const auto count = static_cast<double>(differences.size());
  double sum = 0;
  for (const double difference : differences) sum += difference;
  BlockEffect effect;
  effect.mean = sum / count;
  double squares = 0;
  for (const double difference : differences) squares += (difference - effect.mean) * (difference - effect.mean);
  const double error = std::sqrt(squares / (count - 1) / count);
  const double t = boost::math::quantile(boost::math::complement(boost::math::students_t(count - 1), alpha / 2));
  effect.interval = {effect.mean - t * error, effect.mean + t * error};
  effect.sign_flip_p = sign_flip_p(differences, sum);
  return effect;
}

RankInterval quantile_ranks(std::uint64_t n, double p, double alpha) {
  const boost::math::binomial counts(static_cast<double>(n), p);  // how many of n lie below the quantile
  RankInterval ranks;
  // P(X_(low) > q) = P(count < low) ≤ α/2, P(X_(high) < q) = P(count ≥ high) ≤ α/2.
  std::uint64_t low = 0;
  while (low < n && boost::math::cdf(counts, static_cast<double>(low)) <= alpha / 2) ++low;
  if (low > 0) ranks.low = low;
  std::uint64_t high = n;
  while (high > 0 && boost::math::cdf(boost::math::complement(counts, static_cast<double>(high - 1))) <= alpha / 2) --high;
  if (high < n) ranks.high = high + 1;
  return ranks;
}

std::uint64_t wilks_minimum(double p, double confidence) {
  return static_cast<std::uint64_t>(std::ceil(std::log1p(-confidence) / std::log(p)));
}

}  // namespace tandem::statistics
