#include "statistics/quantile.hpp"

#include <algorithm>
#include <cmath>

#include "statistics/mixture.hpp"

namespace tandem::statistics {
namespace {

constexpr double kAlphaOpt = 0.05;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double count_of(std::span<const Bin> bins) {
  double count = 0;
  for (const auto& bin : bins) count += static_cast<double>(bin.count);
  return count;
}

const Bin& bin_of_rank(std::span<const Bin> bins, double rank) {
  double seen = 0;
  for (const auto& bin : bins) {
    seen += static_cast<double>(bin.count);
    if (seen >= rank) return bin;
  }
  return bins.back();
}

// One arm's part of the two-sample test: ln M of the share that suits the hypothesis best.
class ShareTest {
 public:
  ShareTest(double p, double n, double t_opt)
      : p_(p), n_(n), v_(p * (1 - p) * n), mixture_(p * (1 - p) * t_opt, kAlphaOpt, p, 1 - p), best_(minimiser()) {}

  // Of a share anywhere from `below` to `up_to`.
  double ln_m(double below, double up_to) const { return at(std::clamp(best_, below, up_to)); }

 private:
  double at(double share) const { return mixture_.ln_m((share - p_) * n_, v_); }
  double minimiser() const {
    double low = 0;
    double high = 1;
    for (int i = 0; i < 200; ++i) {
      const double a = low + (high - low) / 3;
      const double b = high - (high - low) / 3;
      if (at(a) < at(b))
        high = b;
      else
        low = a;
    }
    return (low + high) / 2;
  }

  double p_, n_, v_;
  BetaBinomialMixture mixture_;
  double best_;
};

// How many of the counts lie in bins before a place that moves upwards.
class Walk {
 public:
  explicit Walk(std::span<const Bin> bins) : bins_(bins), n_(count_of(bins)) {}
  double n() const { return n_; }
  void pass(double x) {
    while (next_ < bins_.size() && bins_[next_].low < x) below_ += static_cast<double>(bins_[next_++].count);
    up_to_ = below_;
    if (next_ < bins_.size() && bins_[next_].low == x) up_to_ += static_cast<double>(bins_[next_].count);
  }
  double below() const { return below_ / n_; }
  double up_to() const { return up_to_ / n_; }

 private:
  std::span<const Bin> bins_;
  double n_;
  std::size_t next_ = 0;
  double below_ = 0;
  double up_to_ = 0;
};

}  // namespace

const Bin& quantile_bin(std::span<const Bin> bins, double p) { return bin_of_rank(bins, std::ceil(p * count_of(bins))); }

double quantile(std::span<const Bin> bins, double p) {
  const auto& bin = quantile_bin(bins, p);
  return (bin.low + bin.high) / 2;
}

double design_effect(std::span<const Sums> sums) {
  double n = 0;
  for (const auto& each : sums) n += each.n;
  const double share = mean_of(sums);
  if (sums.size() < 2 || !(share > 0 && share < 1)) return 1;
  const auto count = static_cast<double>(sums.size());
  double squares = 0;  // the terms (y − share·n)/n̄ have the mean 0
  for (const auto& each : sums) {
    const double term = (each.y - share * each.n) / (n / count);
    squares += term * term;
  }
  const double variance = squares / (count - 1) / count;
  return std::max(1.0, variance / (share * (1 - share) / n));
}

RankRadii rank_radii(double p, double t, double alpha, double t_opt, Sides sides) {
  if (t < 1) return {kInfinity, kInfinity};
  const double v = p * (1 - p) * t;
  const double v_opt = p * (1 - p) * t_opt;
  const auto radius = [&](double g, double h) {
    const auto bound = BetaBinomialMixture(v_opt, kAlphaOpt, g, h, sides).bound(v, alpha);
    return bound.is_unbounded ? kInfinity : bound.value / t;
  };
  return {radius(1 - p, p), radius(p, 1 - p)};
}

Interval quantile_interval(std::span<const Bin> bins, double p, const RankRadii& radii) {
  Interval interval{0, kInfinity};
  const double n = count_of(bins);
  if (radii.low < p) interval.low = bin_of_rank(bins, std::floor((p - radii.low) * n) + 1).low;
  if (p + radii.high <= 1) interval.high = bin_of_rank(bins, std::ceil((p + radii.high) * n)).high;
  return interval;
}

QuantileRatio quantile_ratio(std::span<const Bin> control, std::span<const Bin> candidate, double p, double alpha,
                             double design_effect_control, double design_effect_candidate, double t_opt, Sides sides) {
  QuantileRatio result;
  result.design_effect_control = design_effect_control;
  result.design_effect_candidate = design_effect_candidate;
  const auto of = [&](std::span<const Bin> bins, double effect) {
    return quantile_interval(bins, p, rank_radii(p, std::floor(count_of(bins) / effect), alpha / 2, t_opt, sides));
  };
  const auto c = of(control, design_effect_control);
  const auto t = of(candidate, design_effect_candidate);
  result.ratio = quantile(candidate, p) / quantile(control, p);
  result.interval.low = c.high > 0 ? t.low / c.high : 0;
  result.interval.high = c.low > 0 ? t.high / c.low : kInfinity;
  return result;
}

double quantile_p_value(std::span<const Bin> a, std::span<const Bin> b, double p, double t_opt) {
  Walk in_a(a);
  Walk in_b(b);
  const ShareTest test_a(p, in_a.n(), t_opt);
  const ShareTest test_b(p, in_b.n(), t_opt);
  std::vector<double> places;
  for (const auto& bin : a) places.push_back(bin.low);
  for (const auto& bin : b) places.push_back(bin.low);
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  double least = kInfinity;
  for (const double x : places) {
    in_a.pass(x);
    in_b.pass(x);
    least = std::min(least, test_a.ln_m(in_a.below(), in_a.up_to()) + test_b.ln_m(in_b.below(), in_b.up_to()));
  }
  return std::min(1.0, std::exp(-least));
}

double distribution_band(double t, double alpha, double m) {
  return 0.85 * std::sqrt((std::log(std::log(std::exp(1.0) * t / m)) + 0.8 * std::log(1612 / alpha)) / t);
}

}  // namespace tandem::statistics
