#include "steering/guardrails.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "report/shares.hpp"
#include "statistics/mean_ratio.hpp"
#include "statistics/proportion.hpp"
#include "statistics/quantile.hpp"
#include "statistics/risk_ratio.hpp"
#include "statistics/sample_ratio.hpp"
#include "steering/life.hpp"

namespace tandem::steering {

namespace {

using experiment::GuardrailSettings;
using experiment::Settings;
using measure::Counts;
using statistics::Sides;
using statistics::Sums;
using Metric = GuardrailSettings::Metric;

constexpr double kAlphaTotal = 0.01;
// Fewer errors more than that in a thousand requests are nobody's emergency, whatever their ratio.
constexpr double kLeastExcess = 0.001;
constexpr double kLeastDeviation = 0.01;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

using BothPopulations = measure::ByPopulation<Counts>;

Counts both(const BothPopulations& counts) {
  Counts sum = counts.analysed;
  sum.merge(counts.rest);
  return sum;
}

// One of the counts alone, without adding up the histograms.
template <class Value>
double both(const BothPopulations& counts, Value Counts::*member) {
  return static_cast<double>(counts.analysed.*member) + static_cast<double>(counts.rest.*member);
}

// What every guardrail goes by: windows of the candidate and of all of control.
struct Pair {
  const Settings& settings;
  const measure::Record& record;
  const std::map<std::string, comparison::Tally>& comparisons;
  const Scope& scope;
  std::size_t candidate;
  std::size_t control;

  // Calls `look(candidate's counts, control's counts)` for the windows of the epochs that count, from `since` on.
  template <class Look>
  void for_each_window(std::int64_t since, bool only_ended, Look look) const {
    for (const auto& [index_of_epoch, epoch] : record.epochs()) {
      if (index_of_epoch < scope.from_epoch) continue;
      for (const auto& [index, arms] : epoch.windows) {
        const auto begins = index * epoch.window_seconds;
        if (begins < since || (only_ended && begins + epoch.window_seconds > scope.now)) continue;
        look(arms[candidate], arms[control]);
      }
    }
  }
};

// An arm's clients in 64 groups, over the whole of the epochs that count: a slow client is one client, however often it
// asks.
std::vector<measure::KeyCluster> clusters_of(const Pair& pair, std::size_t arm) {
  std::vector<measure::KeyCluster> clusters(measure::kKeyClusters);
  for (const auto& [index, epoch] : pair.record.epochs()) {
    if (index < pair.scope.from_epoch || arm >= epoch.arms.size()) continue;
    for (const auto* totals : {&epoch.arms[arm].analysed, &epoch.arms[arm].rest})
      for (std::size_t i = 0; i < clusters.size(); ++i) clusters[i].merge(totals->clusters[i]);
  }
  return clusters;
}

double events_of(Metric metric, const BothPopulations& counts) {
  return both(counts, metric == Metric::errors ? &Counts::errors : &Counts::timeouts);
}

// The grid's first risk ratio that is no less than the margin: what is to be excluded.
int null_step(double margin) {
  const int step = static_cast<int>(std::ceil(16 * std::log2(margin) - 1e-9));
  return std::clamp(step, 0, statistics::RiskRatio::kSteps - 1);
}

std::optional<Judgement> judge_events(const Pair& pair, const GuardrailSettings& guardrail, double alpha) {
  statistics::RiskRatio ratio;
  double candidate_events = 0, candidate_requests = 0, control_events = 0, control_requests = 0, expected = 0;
  pair.for_each_window(0, false, [&](const BothPopulations& candidate, const BothPopulations& control) {
    const auto n_t = both(candidate, &Counts::requests);
    const auto n_c = both(control, &Counts::requests);
    if (n_t == 0 || n_c == 0) return;
    const auto e_t = events_of(guardrail.metric, candidate);
    const auto e_c = events_of(guardrail.metric, control);
    if (e_t + e_c > 0) ratio.add(e_t, e_c, n_t, n_c);
    candidate_events += e_t;
    candidate_requests += n_t;
    control_events += e_c;
    control_requests += n_c;
    expected += n_t * e_c / n_c;  // window by window: a ramp during a bad hour of both is no excess
  });
  if (candidate_requests == 0) return std::nullopt;
  Judgement judgement;
  judgement.ln_e = ratio.ln_e(Sides::one, null_step(guardrail.margin));
  const double excess = (candidate_events - expected) / candidate_requests;
  judgement.has_fired = judgement.ln_e >= std::log(1 / alpha) && excess > kLeastExcess;
  judgement.evidence = {{"candidate", {{"events", candidate_events}, {"requests", candidate_requests}}},
                        {"control", {{"events", control_events}, {"requests", control_requests}}},
                        {"excess", excess},
                        {"margin", guardrail.margin},
                        {"ln_e", judgement.ln_e},
                        {"ln_e_limit", std::log(1 / alpha)}};
  judgement.why = number(candidate_events) + " of " + number(candidate_requests) + " requests, against " +
                  number(control_events) + " of " + number(control_requests) + " of control";
  return judgement;
}

using Cells = std::vector<statistics::Bin>;

Cells bins_of(const measure::SparseHistogram& histogram) {
  Cells bins;
  for (const auto& cell : histogram.cells())
    bins.push_back({static_cast<double>(measure::FineBuckets::lower_bound(cell.bucket)),
                    static_cast<double>(measure::FineBuckets::lower_bound(cell.bucket + 1) - 1), cell.count});
  return bins;
}

std::uint64_t least_requests(double quantile) { return quantile >= 0.999 ? 20'000 : quantile >= 0.99 ? 2'000 : 500; }

// Of requests, those up to the quantile's bucket: by window or by group of clients, the larger.
double design_effect(const std::vector<Counts>& windows, const std::vector<measure::KeyCluster>& clusters,
                     std::size_t bucket) {
  std::vector<Sums> by_window, by_cluster;
  for (const auto& window : windows)
    if (window.requests > 0)
      by_window.push_back(
          {static_cast<double>(window.requests), static_cast<double>(window.total.count_before(bucket + 1))});
  const auto border = measure::CoarseBuckets::index_of(measure::FineBuckets::lower_bound(bucket + 1));
  for (const auto& cluster : clusters)
    if (cluster.requests > 0)
      by_cluster.push_back({static_cast<double>(cluster.requests), static_cast<double>(cluster.total.count_before(border))});
  return std::max({1.0, statistics::design_effect(by_window), statistics::design_effect(by_cluster)});
}

std::optional<Judgement> judge_quantile(const Pair& pair, const GuardrailSettings& guardrail, double alpha) {
  std::vector<Counts> candidates, controls;
  Counts candidate, control;
  pair.for_each_window(pair.scope.shares_since, true,
                       [&](const BothPopulations& of_candidate, const BothPopulations& of_control) {
                         // Of a pause, or before the candidate got anything: another time than the one compared.
                         if (both(of_candidate, &Counts::requests) == 0 || both(of_control, &Counts::requests) == 0) return;
                         candidates.push_back(both(of_candidate));
                         controls.push_back(both(of_control));
                         candidate.merge(candidates.back());
                         control.merge(controls.back());
                       });
  const auto least = least_requests(guardrail.quantile);
  if (candidate.requests < least || control.requests < least) return std::nullopt;
  const auto effect = [&](const std::vector<Counts>& windows, const Counts& all, std::size_t arm) {
    return design_effect(windows, clusters_of(pair, arm), measure::quantile_bucket(all.total, guardrail.quantile));
  };
  const auto ratio = statistics::quantile_ratio(bins_of(control.total), bins_of(candidate.total), guardrail.quantile, alpha,
                                                effect(controls, control, pair.control),
                                                effect(candidates, candidate, pair.candidate), 10'000, Sides::one);
  Judgement judgement;
  judgement.has_fired = ratio.interval.low > guardrail.margin;
  judgement.evidence = {{"ratio", ratio.ratio},
                        {"low", ratio.interval.low},
                        {"margin", guardrail.margin},
                        {"requests", {{"candidate", candidate.requests}, {"control", control.requests}}},
                        {"windows", candidates.size()}};
  judgement.why = number(ratio.ratio) + " times that of control, at least " + number(ratio.interval.low);
  return judgement;
}

std::optional<Judgement> judge_mean(const Pair& pair, const GuardrailSettings& guardrail, double alpha) {
  std::vector<statistics::PairedWindow> windows;
  const auto sums_of = [&](const BothPopulations& counts) {
    return guardrail.metric == Metric::cpu ? Sums{both(counts, &Counts::cpu_requests), both(counts, &Counts::cpu_ns)}
                                           : Sums{both(counts, &Counts::requests), both(counts, &Counts::total_ns)};
  };
  bool has_candidate = false, has_control = false;
  pair.for_each_window(pair.scope.shares_since, true, [&](const BothPopulations& candidate, const BothPopulations& control) {
    const statistics::PairedWindow window{sums_of(control), sums_of(candidate)};
    if (window.control.n == 0 || window.candidate.n == 0) return;
    has_candidate = has_candidate || window.candidate.y > 0;
    has_control = has_control || window.control.y > 0;
    windows.push_back(window);
  });
  if (windows.size() < std::max(2u, pair.settings.min_windows) || !has_candidate || !has_control) return std::nullopt;
  const auto variance_over_clients = [&](std::size_t arm) {
    std::vector<Sums> sums;
    for (const auto& cluster : clusters_of(pair, arm)) {
      if (guardrail.metric == Metric::cpu)
        sums.push_back({static_cast<double>(cluster.cpu_requests), static_cast<double>(cluster.cpu_ns)});
      else
        sums.push_back({static_cast<double>(cluster.requests), static_cast<double>(cluster.total_ns)});
    }
    return statistics::ln_mean_variance(sums);
  };
  const auto estimate = statistics::with_variance_at_least(
      statistics::ln_ratio(windows), variance_over_clients(pair.control) + variance_over_clients(pair.candidate));
  const double low = std::exp(estimate.interval(alpha, pair.settings.planned_windows, Sides::one).low);
  Judgement judgement;
  judgement.has_fired = low > guardrail.margin;
  judgement.evidence = {
      {"ratio", std::exp(estimate.value)}, {"low", low}, {"margin", guardrail.margin}, {"windows", windows.size()}};
  judgement.why = number(std::exp(estimate.value)) + " times that of control, at least " + number(low);
  return judgement;
}

// Keys of the newest epoch, since another epoch may have other shares. In a switchback the arms have the same keys.
std::optional<Judgement> judge_shares(const Pair& pair, double alpha) {
  if (pair.settings.assign == experiment::Assign::switchback) return std::nullopt;
  const auto& epochs = pair.record.epochs();
  if (epochs.empty() || epochs.rbegin()->first < pair.scope.from_epoch) return std::nullopt;
  const auto& epoch = epochs.rbegin()->second;
  if (epoch.arms.size() <= std::max(pair.candidate, pair.control)) return std::nullopt;
  const bool is_matched = pair.settings.analysis == experiment::Analysis::matched;
  const auto& candidate = epoch.arms[pair.candidate].analysed.keys;
  const auto& control = epoch.arms[pair.control].analysed.keys;
  const auto threshold = std::min(candidate.threshold(), control.threshold());
  const std::uint64_t counts[] = {candidate.count_below(threshold), control.count_below(threshold)};
  if (counts[0] + counts[1] == 0) return std::nullopt;
  const auto shares = report::compared_shares(epoch, pair.control, pair.candidate, is_matched);
  if (!shares || !shares->has_both()) return std::nullopt;
  const double weights[] = {static_cast<double>(shares->candidate), static_cast<double>(shares->control)};
  alpha = alpha_of_beginning(alpha, epochs.rbegin()->first - pair.scope.from_epoch + 1);
  Judgement judgement;
  judgement.ln_e = statistics::ln_sample_ratio_e(counts, weights);
  judgement.has_fired =
      judgement.ln_e >= std::log(1 / alpha) && statistics::sample_ratio_deviation(counts, weights) > kLeastDeviation;
  judgement.evidence = {{"keys", {{"candidate", counts[0]}, {"control", counts[1]}}},
                        {"weights", {{"candidate", weights[0]}, {"control", weights[1]}}},
                        {"ln_e", judgement.ln_e},
                        {"ln_e_limit", std::log(1 / alpha)}};
  judgement.why = std::to_string(counts[0]) + " keys against " + std::to_string(counts[1]) + " of control, meant to be " +
                  number(weights[0]) + " to " + number(weights[1]);
  return judgement;
}

std::optional<Judgement> judge_answers(const Pair& pair, const GuardrailSettings& guardrail, double alpha) {
  const auto tally = pair.comparisons.find(pair.settings.arms[pair.candidate].name);
  if (tally == pair.comparisons.end() || tally->second.compared() == 0) return std::nullopt;
  const auto mismatches = tally->second.count(comparison::Outcome::mismatch);
  const auto compared = tally->second.compared();
  const auto rate = statistics::proportion_interval(static_cast<double>(mismatches), static_cast<double>(compared), alpha);
  Judgement judgement;
  judgement.has_fired = rate.low > guardrail.margin;
  judgement.evidence = {{"mismatches", mismatches},
                        {"compared", compared},
                        {"low", rate.low},
                        {"high", rate.high},
                        {"margin", guardrail.margin}};
  judgement.why = std::to_string(mismatches) + " of " + std::to_string(compared) + " answers differ from control's";
  return judgement;
}

std::optional<Judgement> judge_one(const Pair& pair, const GuardrailSettings& guardrail, double alpha) {
  switch (guardrail.metric) {
    case Metric::errors:
    case Metric::timeouts:
      return judge_events(pair, guardrail, alpha);
    case Metric::latency:
    case Metric::cpu:
      if (!pair.scope.with_windows) return std::nullopt;
      alpha = alpha_of_beginning(alpha, pair.scope.shares_number);
      return guardrail.quantile > 0 ? judge_quantile(pair, guardrail, alpha) : judge_mean(pair, guardrail, alpha);
    case Metric::srm:
      return pair.scope.with_windows ? judge_shares(pair, alpha) : std::nullopt;
    case Metric::mismatch:
      break;
  }
  return pair.scope.with_windows ? judge_answers(pair, guardrail, alpha) : std::nullopt;
}

}  // namespace

std::string format_guardrail(const GuardrailSettings& guardrail) {
  switch (guardrail.metric) {
    case Metric::errors:
      return "errors";
    case Metric::timeouts:
      return "timeouts";
    case Metric::latency:
      return guardrail.quantile > 0 ? "p" + number(guardrail.quantile * 100) : "mean";
    case Metric::cpu:
      return "cpu";
    case Metric::mismatch:
      return "mismatch";
    case Metric::srm:
      break;
  }
  return "srm";
}

std::string format_action(GuardrailSettings::Action action) {
  using enum GuardrailSettings::Action;
  return action == rollback ? "rollback" : action == hold ? "hold" : "warn";
}

double guardrail_alpha(const Settings& settings, std::size_t guardrail) {
  const auto& all = settings.guardrails;
  double left = kAlphaTotal;
  std::size_t sharing = 0;
  for (const auto& one : all) {
    left -= one.alpha.value_or(0);
    if (!one.alpha) ++sharing;
  }
  const double alpha =
      all[guardrail].alpha.value_or(std::max(left, 1e-6) / static_cast<double>(std::max<std::size_t>(sharing, 1)));
  return alpha / static_cast<double>(std::max<std::size_t>(settings.arms.size() - 1, 1));
}

double alpha_of_beginning(double alpha, std::uint32_t number) {
  const double n = std::max<std::uint32_t>(number, 1);
  return alpha / (n * (n + 1));
}

std::int64_t SharesSince::at(std::int64_t shares_since, std::int64_t now) {
  if (shares_since != of_) of_ = since_ = shares_since;
  since_ = std::min(since_, now);
  return since_;
}

std::vector<Judgement> judge(const Settings& settings, const measure::Record& record,
                             const std::map<std::string, comparison::Tally>& comparisons, const Scope& scope) {
  std::vector<Judgement> judgements;
  const auto control = control_of(settings);
  for (std::size_t arm = 0; arm < settings.arms.size(); ++arm) {
    if (arm == control) continue;
    const Pair pair{settings, record, comparisons, scope, arm, control};
    for (std::size_t i = 0; i < settings.guardrails.size(); ++i) {
      auto judgement = judge_one(pair, settings.guardrails[i], guardrail_alpha(settings, i));
      if (!judgement) continue;
      judgement->guardrail = i;
      judgement->arm = arm;
      judgement->why = format_guardrail(settings.guardrails[i]) + " of " + settings.arms[arm].name + ": " + judgement->why;
      judgements.push_back(std::move(*judgement));
    }
  }
  return judgements;
}

}  // namespace tandem::steering
