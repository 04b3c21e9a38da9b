#include "simulate/judge.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "observe/histogram.hpp"
#include "statistics/mean_ratio.hpp"
#include "statistics/quantile.hpp"
#include "statistics/risk_ratio.hpp"
#include "statistics/sample_ratio.hpp"
#include "statistics/verdict.hpp"

namespace tandem::simulate {
namespace {

using observe::Histogram;
using statistics::Bin;
using statistics::Interval;
using statistics::Sides;

constexpr double kAlpha = 0.05;
constexpr double kGuardAlpha = 0.01;
constexpr double kSampleRatioAlpha = 0.001;
constexpr double kPlannedWindows = 180;
constexpr unsigned kMinWindows = 30;
constexpr std::uint64_t kMinRequests = 20;  // of each arm, for a window to count towards the minimum
constexpr double kMargin = 0.05;
constexpr double kQuantileMargin = 0.10;

statistics::Sums latency_of(const Sums& sums) { return {static_cast<double>(sums.requests), sums.nanoseconds}; }
statistics::Sums errors_of(const Sums& sums) {
  return {static_cast<double>(sums.requests), static_cast<double>(sums.errors)};
}

std::vector<Bin> bins_of(const std::vector<std::uint64_t>& counts) {
  std::vector<Bin> bins;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0)
      bins.push_back(
          {static_cast<double>(Histogram::lower_bound(i)), static_cast<double>(Histogram::lower_bound(i + 1)), counts[i]});
  return bins;
}

class Look {
 public:
  Look(const std::array<ArmLog, 2>& arms, bool has_keys, Findings& findings)
      : arms_(arms), has_keys_(has_keys), findings_(findings), window_(static_cast<unsigned>(arms[0].windows.size())) {}

  void means() {
    std::vector<statistics::PairedWindow> latency, errors;
    for (std::size_t i = 0; i < window_; ++i) {
      const auto& c = arms_[control].windows[i].sums;
      const auto& t = arms_[candidate].windows[i].sums;
      latency.push_back({latency_of(c), latency_of(t)});
      errors.push_back({errors_of(c), errors_of(t)});
    }
    ratio_of(Question::mean, latency, latency_of);
    if (arms_[control].total.errors > 0 && arms_[candidate].total.errors > 0) ratio_of(Question::errors, errors, errors_of);
    answer(Question::windows_only, exp_of(statistics::ln_ratio(latency)), kMargin);
  }

  void quantiles() {
    const std::array bins{bins_of(arms_[control].counts), bins_of(arms_[candidate].counts)};
    for (const auto& [question, p] : {std::pair(Question::p50, 0.5), std::pair(Question::p99, 0.99)}) {
      const double c = design_effect(arms_[control], bins[control], p);
      const double t = design_effect(arms_[candidate], bins[candidate], p);
      answer(question, statistics::quantile_ratio(bins[control], bins[candidate], p, kAlpha, c, t).interval,
             kQuantileMargin);
      if (question != Question::p99) continue;
      const auto guard =
          statistics::quantile_ratio(bins[control], bins[candidate], p, kGuardAlpha, c, t, 10'000, Sides::one).interval;
      if (guard.low > 1.25) alarm(Question::guard_p99);
    }
  }

  void sample_ratio() {
    const auto keys = [this](Arm arm) { return has_keys_ ? arms_[arm].users : arms_[arm].total.requests; };
    const std::array counts{keys(control), keys(candidate)};
    const std::array weights{1.0, 1.0};
    if (statistics::ln_sample_ratio_e(counts, weights) >= -std::log(kSampleRatioAlpha)) alarm(Question::sample_ratio);
  }

  void guard_errors(const statistics::RiskRatio& risk, double excess) {
    if (risk.ln_e(Sides::one) >= -std::log(kGuardAlpha) && excess > 0.001) alarm(Question::guard_errors);
  }

  void naive() {
    double mean[2], variance[2];
    for (const auto arm : {control, candidate}) {
      const auto& total = arms_[arm].total;
      const auto n = static_cast<double>(total.requests);
      mean[arm] = total.nanoseconds / n;
      variance[arm] = (total.squares / n - mean[arm] * mean[arm]) / n;
    }
    const double half = 1.959963985 * std::sqrt(variance[0] + variance[1]);
    const double difference = mean[candidate] - mean[control];
    answer(Question::naive, {1 + (difference - half) / mean[control], 1 + (difference + half) / mean[control]}, kMargin);
  }

 private:
  static Interval exp_of(const statistics::Estimate& estimate) {
    const auto interval = estimate.interval(kAlpha, kPlannedWindows);
    return {std::exp(interval.low), std::exp(interval.high)};
  }

  template <class Of>
  std::vector<statistics::Sums> clusters(const ArmLog& arm, const Of& of) const {
    std::vector<statistics::Sums> sums;
    for (const auto& cluster : arm.clusters) sums.push_back(of(cluster));
    return sums;
  }

  template <class Of>
  void ratio_of(Question question, const std::vector<statistics::PairedWindow>& windows, const Of& of) {
    auto estimate = statistics::ln_ratio(windows);
    if (has_keys_)
      estimate =
          statistics::with_variance_at_least(estimate, statistics::ln_mean_variance(clusters(arms_[control], of)) +
                                                           statistics::ln_mean_variance(clusters(arms_[candidate], of)));
    answer(question, exp_of(estimate), kMargin);
  }

  // Over windows and, where requests have keys, over key clusters: the larger.
  double design_effect(const ArmLog& arm, const std::vector<Bin>& bins, double p) const {
    const auto end = Histogram::index_of(static_cast<std::uint64_t>(statistics::quantile_bin(bins, p).low)) + 1;
    std::vector<statistics::Sums> sums;
    for (const auto& window : arm.windows)
      sums.push_back({static_cast<double>(window.sums.requests), static_cast<double>(window.below[end])});
    double effect = statistics::design_effect(sums);
    if (!has_keys_) return effect;
    sums.clear();
    for (std::size_t i = 0; i < kClusters; ++i) {
      std::uint64_t below = 0;
      for (std::size_t bucket = 0; bucket < end; ++bucket) below += arm.cluster_counts[i][bucket];
      sums.push_back({static_cast<double>(arm.clusters[i].requests), static_cast<double>(below)});
    }
    return std::max(effect, statistics::design_effect(sums));
  }

  Finding& finding(Question question) { return findings_[static_cast<std::size_t>(question)]; }
  void alarm(Question question) {
    if (!finding(question).worse) finding(question).worse = window_;
  }
  void answer(Question question, const Interval& ratio, double margin) {
    const auto verdict = statistics::verdict_of(ratio, margin);
    auto& found = finding(question);
    if (verdict.direction == statistics::Direction::better && !found.better) found.better = window_;
    if (verdict.direction == statistics::Direction::worse) alarm(question);
    found.is_equivalent = verdict.is_equivalent;
  }

  const std::array<ArmLog, 2>& arms_;
  bool has_keys_;
  Findings& findings_;
  unsigned window_;
};

}  // namespace

std::string_view text_of(Question question) {
  switch (question) {
    case Question::mean:
      return "mean latency, ratio";
    case Question::errors:
      return "error rate, ratio";
    case Question::p50:
      return "p50, ratio";
    case Question::p99:
      return "p99, ratio";
    case Question::guard_errors:
      return "guardrail: errors";
    case Question::guard_p99:
      return "guardrail: p99 above 1.25 ×";
    case Question::sample_ratio:
      return "sample ratio mismatch";
    case Question::windows_only:
      return "*mean, windows only*";
    case Question::naive:
      break;
  }
  return "*mean, z test on requests*";
}

Findings judge(const Model& model, std::uint64_t seed) {
  Findings findings;
  Traffic traffic(model, seed);
  statistics::RiskRatio risk;
  std::array<Sums, 2> all;
  unsigned full_windows = 0;
  for (unsigned i = 0; i < model.windows; ++i) {
    traffic.next_window();
    const auto& arms = traffic.arms();
    const auto& c = arms[control].windows_of_all.back();
    const auto& t = arms[candidate].windows_of_all.back();
    risk.add(static_cast<double>(t.errors), static_cast<double>(c.errors), static_cast<double>(t.requests),
             static_cast<double>(c.requests));
    for (const auto arm : {control, candidate}) {
      all[arm].requests += arms[arm].windows_of_all.back().requests;
      all[arm].errors += arms[arm].windows_of_all.back().errors;
    }
    Look look(arms, model.users > 0, findings);
    const auto rate = [&](Arm arm) {
      return static_cast<double>(all[arm].errors) / static_cast<double>(std::max<std::uint64_t>(all[arm].requests, 1));
    };
    look.guard_errors(risk, rate(candidate) - rate(control));
    look.sample_ratio();

    const auto requests = [&](Arm arm) { return arms[arm].windows.back().sums.requests; };
    if (std::min(requests(control), requests(candidate)) >= kMinRequests) ++full_windows;
    if (full_windows < kMinWindows) continue;
    look.means();
    look.quantiles();
    look.naive();
  }
  return findings;
}

}  // namespace tandem::simulate
