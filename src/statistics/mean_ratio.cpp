#include "statistics/mean_ratio.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tandem::statistics {
namespace {

Sums total_of(std::span<const Sums> sums) {
  Sums total;
  for (const auto& each : sums) {
    total.n += each.n;
    total.y += each.y;
  }
  return total;
}

double average(std::span<const double> terms) {
  double sum = 0;
  for (const double term : terms) sum += term;
  return sum / static_cast<double>(terms.size());
}

double standard_deviation(std::span<const double> terms) {
  if (terms.size() < 2) return 0;
  const double mean = average(terms);
  double squares = 0;
  for (const double term : terms) squares += (term - mean) * (term - mean);
  return std::sqrt(squares / static_cast<double>(terms.size() - 1));
}

// Of both arms: `scale` maps an arm's mean to what its linearised term is divided by.
template <class Scale>
double spread(std::span<const PairedWindow> windows, const Sums& control, const Sums& candidate, const Scale& scale) {
  const auto count = static_cast<double>(windows.size());
  const double mean_c = control.y / control.n;
  const double mean_t = candidate.y / candidate.n;
  std::vector<double> terms;
  terms.reserve(windows.size());
  for (const auto& window : windows)
    terms.push_back((window.candidate.y - mean_t * window.candidate.n) / (candidate.n / count * scale(mean_t)) -
                    (window.control.y - mean_c * window.control.n) / (control.n / count * scale(mean_c)));
  return standard_deviation(terms);
}

struct Totals {
  Sums control;
  Sums candidate;
};

Totals totals_of(std::span<const PairedWindow> windows) {
  Totals totals;
  for (const auto& window : windows) {
    totals.control.n += window.control.n;
    totals.control.y += window.control.y;
    totals.candidate.n += window.candidate.n;
    totals.candidate.y += window.candidate.y;
  }
  return totals;
}

}  // namespace

double half_width(double s, double windows, double alpha, double planned, Sides sides) {
  // The normal mixture's boundary; its ρ is 1/ρ² of the paper.
  if (sides == Sides::two) return s * NormalMixture(planned, alpha).bound(windows, alpha) / windows;
  const double rho = optimal_rho(planned, alpha, Sides::one);
  const double sum = (windows + rho) / rho;
  return s * std::sqrt(2 * (windows + rho) * std::log1p(std::sqrt(sum) / (2 * alpha))) / windows;
}

double Estimate::standard_error() const { return windows > 0 ? s / std::sqrt(windows) : 0; }

Interval Estimate::interval(double alpha, double planned, Sides sides) const {
  const double half = half_width(s, windows, alpha, planned, sides);
  Interval interval;
  interval.low = value - half;
  if (sides == Sides::two) interval.high = value + half;
  return interval;
}

double mean_of(std::span<const Sums> sums) {
  const auto total = total_of(sums);
  return total.n > 0 ? total.y / total.n : 0;
}

Estimate ln_ratio(std::span<const PairedWindow> windows) {
  const auto [control, candidate] = totals_of(windows);
  Estimate estimate;
  estimate.windows = static_cast<double>(windows.size());
  estimate.value = std::log(candidate.y / candidate.n) - std::log(control.y / control.n);
  estimate.s = spread(windows, control, candidate, [](double mean) { return mean; });
  return estimate;
}

Estimate difference(std::span<const PairedWindow> windows) {
  const auto [control, candidate] = totals_of(windows);
  Estimate estimate;
  estimate.windows = static_cast<double>(windows.size());
  estimate.value = candidate.y / candidate.n - control.y / control.n;
  estimate.s = spread(windows, control, candidate, [](double) { return 1.0; });
  return estimate;
}

double ln_mean_variance(std::span<const Sums> clusters) {
  const auto total = total_of(clusters);
  if (clusters.size() < 2 || total.n <= 0 || total.y <= 0) return 0;
  const auto count = static_cast<double>(clusters.size());
  const double mean = total.y / total.n;
  std::vector<double> terms;
  for (const auto& cluster : clusters) terms.push_back((cluster.y - mean * cluster.n) / (total.n / count * mean));
  const double s = standard_deviation(terms);
  return s * s / count;
}

double effective_clusters(std::span<const Sums> clusters) {
  double sum = 0;
  double squares = 0;
  for (const auto& cluster : clusters) {
    sum += cluster.n;
    squares += cluster.n * cluster.n;
  }
  return squares > 0 ? sum * sum / squares : 0;
}

Estimate mean_of_terms(std::span<const double> terms) {
  return {average(terms), standard_deviation(terms), static_cast<double>(terms.size())};
}

Estimate with_variance_at_least(Estimate estimate, double variance) {
  estimate.s = std::max(estimate.s, std::sqrt(variance * estimate.windows));
  return estimate;
}

Estimate combined(std::span<const Estimate> epochs) {
  Estimate sum;
  double variance = 0;  // times the square of all windows
  for (const auto& epoch : epochs) {
    sum.windows += epoch.windows;
    sum.value += epoch.windows * epoch.value;
    variance += epoch.windows * epoch.s * epoch.s;  // W² · s²/W
  }
  if (sum.windows <= 0) return sum;
  sum.value /= sum.windows;
  sum.s = std::sqrt(variance / sum.windows);
  return sum;
}

}  // namespace tandem::statistics
