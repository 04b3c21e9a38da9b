#include <algorithm>
#include <cmath>
#include <limits>

#include "report/epoch_data.hpp"
#include "report/format.hpp"
#include "report/pictures.hpp"
#include "report/report.hpp"
#include "statistics/mean_ratio.hpp"
#include "statistics/multiplicity.hpp"
#include "statistics/paired_events.hpp"
#include "statistics/proportion.hpp"
#include "statistics/quantile.hpp"
#include "statistics/risk_ratio.hpp"
#include "statistics/sample_ratio.hpp"

namespace tandem::report {
namespace {

using measure::Counts;
using statistics::Estimate;
using statistics::Interval;
using statistics::Sums;

constexpr std::uint64_t kFullWindow = 20;  // requests of each arm
constexpr double kRatioAlpha = 0.001;
constexpr double kRatioTolerance = 0.01;
constexpr double kLeastConcurrency = 0.8;
constexpr double kFewErrors = 0.01;  // of an arm that has had none: fewer than so many can be lived with
constexpr Metric kMetrics[] = {Metric::mean, Metric::p50, Metric::p95,    Metric::p99,
                               Metric::p999, Metric::cpu, Metric::errors, Metric::bytes};
constexpr double kShiftPoints[] = {0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999};

class Judge {
 public:
  Judge(const State& state, std::size_t candidate) : state_(state), candidate_(candidate) {
    for (const auto& [number_of, epoch] : state.record.epochs()) {
      auto data = read_epoch(epoch, state.control, candidate, state.is_matched);
      const bool is_compared = state.assign == "switchback" || !data.shares || data.shares->has_both();
      if (is_compared)
        epochs_.push_back(std::move(data));
      else if (!epoch.windows.empty())
        alone_.push_back({number_of, data.shares->candidate > 0});
    }
  }

  CandidateReport report(Depth depth) const {
    CandidateReport result;
    const auto& arm = state_.arms[candidate_];
    result.name = arm.name;
    result.backend = arm.backend;
    result.weight_bp = arm.weight_bp;
    result.health = health();
    stand(result);
    for (const auto metric : kMetrics) result.effects.push_back(effect(metric, result));
    result.stages_control = stages(&EpochData::control);
    result.stages_candidate = stages(&EpochData::candidate);
    judge_error_events(result);
    result.answers = answers();
    result.over_time = over_time();
    result.shift = shift();
    result.sentences = sentences_of(result);
    if (depth == Depth::verdicts) return result;
    add_noise_floors(result);
    result.pictures = pictures_of(state_, candidate_, epochs_, result.effects);
    return result;
  }

 private:
  Judge(const State& state, std::size_t candidate, std::vector<EpochData> epochs)
      : state_(state), candidate_(candidate), epochs_(std::move(epochs)) {}

  // The same figures of control against itself in the window after. Its traffic that nobody is compared with would be
  // another twin, at the same time, but has another share of each step of a ramp: what the load does meanwhile would look
  // like an effect.
  void add_noise_floors(CandidateReport& result) const {
    std::vector<EpochData> neighbours;
    for (const auto& [index, epoch] : state_.record.epochs())
      neighbours.push_back(read_neighbours(epoch, state_.control, state_.is_matched));
    const Judge judge(state_, candidate_, std::move(neighbours));
    for (auto& effect : result.effects) {
      const auto noise = judge.effect(effect.metric, result);
      if (noise.ratio > 0) effect.noise_floor = NoiseFloor{noise.ratio, noise.interval};
    }
  }

  Health health() const {
    Health health;
    measure::KeySample keys_control, keys_candidate;
    std::int64_t first = 0, last = 0;
    std::size_t any = 0;
    for (const auto& [number_of, epoch] : state_.record.epochs())
      health.window_seconds = std::max(health.window_seconds, epoch.window_seconds);
    std::vector<Sums> clusters(measure::kKeyClusters);
    for (const auto& epoch : epochs_) {
      health.windows += epoch.starts.size();
      any += epoch.any;
      for (std::size_t i = 0; i < epoch.starts.size(); ++i) {
        health.full_windows +=
            std::min(epoch.control.windows[i].requests, epoch.candidate.windows[i].requests) >= kFullWindow;
        first = first == 0 ? epoch.starts[i] : std::min(first, epoch.starts[i]);
        last = std::max(last, epoch.starts[i] + health.window_seconds);
      }
      health.requests_control += epoch.control.total.requests;
      health.requests_candidate += epoch.candidate.total.requests;
      keys_control.merge(epoch.control.totals.keys);
      keys_candidate.merge(epoch.candidate.totals.keys);
      for (std::size_t i = 0; i < clusters.size(); ++i) clusters[i].n += number(epoch.candidate.totals.clusters[i].requests);
      check_ratio(epoch, health);
    }
    health.seconds = last - first;
    health.has_keys = !keys_control.empty() || !keys_candidate.empty();
    health.keys_control = keys_control.estimate();
    health.keys_candidate = keys_candidate.estimate();
    health.effective_clusters = statistics::effective_clusters(clusters);
    if (any > 0) health.concurrency = number(health.windows) / number(std::uint64_t{any});
    find_faults(health);
    return health;
  }

  // The worst epoch's sample ratio, against the shares of its own layout. Units are distinct keys; requests, where keys
  // tell nobody apart.
  void check_ratio(const EpochData& epoch, Health& health) const {
    if (state_.assign == "switchback") return;
    if (!epoch.shares) return;
    const std::vector<double> weights{static_cast<double>(epoch.shares->control),
                                      static_cast<double>(epoch.shares->candidate)};
    const auto& c = epoch.control.totals.keys;
    const auto& t = epoch.candidate.totals.keys;
    std::vector<std::uint64_t> counts{epoch.control.total.requests, epoch.candidate.total.requests};
    if (!c.empty() || !t.empty()) {
      const auto threshold = std::min(c.threshold(), t.threshold());
      counts = {c.count_below(threshold), t.count_below(threshold)};
    }
    const double ln_e = statistics::ln_sample_ratio_e(counts, weights);
    if (ln_e <= health.ratio_ln_e && health.ratio_p < 1) return;
    health.ratio_ln_e = ln_e;
    health.ratio_p = statistics::sample_ratio_p(counts, weights);
    health.ratio_deviation = statistics::sample_ratio_deviation(counts, weights);
  }

  void find_faults(Health& health) const {
    for (const auto& what : state_.drift) health.invalid.push_back("the replicas were not configured alike: " + what);
    if (health.ratio_deviation > kRatioTolerance &&
        (health.ratio_p < kRatioAlpha || health.ratio_ln_e >= -std::log(kRatioAlpha)))
      health.invalid.push_back(
          "the arms do not hold the shares of " + std::string(health.has_keys ? "clients" : "requests") +
          " meant for them (sample ratio mismatch, off by " + format_percent(health.ratio_deviation) + ")");
    if (health.windows > 0 && health.concurrency < kLeastConcurrency && state_.assign != "switchback")
      health.invalid.push_back("the arms did not run at the same time: both have requests in only " +
                               format_percent(health.concurrency) + " of the windows");
    for (const auto& [number_of, epoch] : state_.record.epochs()) {
      if (epoch.weights_differ)
        health.invalid.push_back("the replicas were not configured alike: weights of epoch " + std::to_string(number_of));
      if (epoch.clock_steps == 0) continue;
      const auto said = "the clock was set by up to " + format_duration(number(epoch.largest_clock_step_ms) * 1e6);
      if (static_cast<std::int64_t>(epoch.largest_clock_step_ms) >= epoch.window_seconds * 1000)
        health.invalid.push_back(said);
      else
        health.warnings.push_back(said);
    }
    if (health.has_keys && health.effective_clusters > 0 && health.effective_clusters < 30)
      health.warnings.push_back("a few clients make most of the requests: " + format_number(health.effective_clusters) +
                                " effective groups of clients, fewer than 30 say little");
    if (state_.forgotten.epochs > 0)
      health.warnings.push_back("what was measured in the oldest " + std::to_string(state_.forgotten.epochs) +
                                " epochs is no longer kept");
    for (const auto& [number_of, is_candidate] : alone_)
      health.warnings.push_back("in epoch " + std::to_string(number_of) + " " +
                                (is_candidate ? "control" : state_.arms[candidate_].name) +
                                " had no traffic to compare with: it is no evidence for or against");
    if (epochs_.size() > 1)
      health.warnings.push_back("means are combined over " + std::to_string(epochs_.size()) +
                                " epochs, quantiles are of the one with the most requests");
  }

  void stand(CandidateReport& result) const {
    const auto& health = result.health;
    if (health.requests_candidate == 0) {
      result.standing = Standing::no_data;
      result.why = "no window has compared requests of both arms";
    } else if (!health.invalid.empty()) {
      result.standing = Standing::invalid;
      result.why = health.invalid.front();
    } else if (health.full_windows < state_.demands.min_windows) {
      result.standing = Standing::too_little;
      result.why = std::to_string(health.full_windows) + " of " + std::to_string(state_.demands.min_windows) +
                   " windows with " + std::to_string(kFullWindow) + " requests of each arm";
    } else if (health.seconds < state_.demands.min_seconds) {
      result.standing = Standing::too_little;
      result.why = std::to_string(health.seconds) + " of " + std::to_string(state_.demands.min_seconds) + " seconds";
    } else {
      result.standing = Standing::judged;
    }
  }

  Effect effect(Metric metric, const CandidateReport& result) const {
    Effect effect;
    effect.metric = metric;
    effect.standing = result.standing;
    effect.why = result.why;
    effect.alpha = statistics::report_alpha(metric == Metric::mean, std::size(kMetrics) - 1, state_.arms.size() - 1,
                                            state_.demands.alpha);
    effect.margin = is_quantile(metric) ? state_.demands.quantile_margin : state_.demands.margin;
    if (result.standing == Standing::no_data) return effect;
    if (is_quantile(metric))
      judge_quantile(effect);
    else if (metric == Metric::errors)
      judge_errors(effect);
    else
      judge_mean(effect, effect.alpha);
    if (effect.standing == Standing::judged) effect.verdict = statistics::verdict_of(effect.interval, effect.margin);
    return effect;
  }

  // Two ways, and which one depends on what was counted: each has half of α.
  void judge_errors(Effect& effect) const {
    if (has_errors_of_both())
      judge_mean(effect, effect.alpha / 2);
    else
      judge_rare_errors(effect, effect.alpha / 2);
  }

  // Has a ratio over windows in each epoch? To leave out those that have none would be to choose by the outcome.
  bool has_errors_of_both() const {
    bool has_any = false;
    for (const auto& epoch : epochs_) {
      if (epoch.starts.size() < 2) continue;
      if (epoch.control.total.errors == 0 || epoch.candidate.total.errors == 0) return false;
      has_any = true;
    }
    return has_any;
  }

  // Which arm did an error hit? That can be asked where one of them had none (experiments.md §6.7). They come in bunches:
  // all are divided by the design effect, of the arm where it is the larger.
  void judge_rare_errors(Effect& effect, double alpha) const {
    Sums control, candidate;
    for (const auto& epoch : epochs_) {
      control = {control.n + number(epoch.control.total.requests), control.y + number(epoch.control.total.errors)};
      candidate = {candidate.n + number(epoch.candidate.total.requests), candidate.y + number(epoch.candidate.total.errors)};
      effect.design_effect =
          std::max({effect.design_effect, error_design_effect(epoch.control), error_design_effect(epoch.candidate)});
      effect.windows += epoch.starts.size();
    }
    if (control.n > 0) effect.control = control.y / control.n;
    if (candidate.n > 0) effect.candidate = candidate.y / candidate.n;
    if (control.y + candidate.y == 0) return judge_no_errors(effect, candidate.n, alpha);
    const auto risk = error_risk(effect.design_effect);
    effect.interval = risk.interval(alpha);
    if (effect.interval.low <= statistics::RiskRatio::ratio_of(-statistics::RiskRatio::kSteps)) effect.interval.low = 0;
    if (effect.interval.high >= statistics::RiskRatio::ratio_of(statistics::RiskRatio::kSteps))
      effect.interval.high = std::numeric_limits<double>::infinity();
    const double ratio = (candidate.y + 0.5) / (candidate.n + 1) * (control.n + 1) / (control.y + 0.5);
    effect.ratio = std::clamp(ratio, effect.interval.low, effect.interval.high);
  }

  // There is no ratio of what never happened. What can be said is how often it may happen at most.
  static void judge_no_errors(Effect& effect, double requests, double alpha) {
    effect.interval = {0, std::numeric_limits<double>::infinity()};
    if (effect.standing != Standing::judged) return;
    const double most = statistics::proportion_interval(0, requests, alpha).high;
    effect.why = "none of either arm, at most " + format_percent(most) + " of the candidate's requests";
    if (most <= kFewErrors) return;
    effect.standing = Standing::too_little;
    effect.why += ", to be known to " + format_percent(kFewErrors);
  }

  // Over windows and over clusters of keys, the larger.
  static double error_design_effect(const ArmData& arm) {
    std::vector<Sums> windows;
    for (const auto& window : arm.windows) windows.push_back(sums_of(Metric::errors, window));
    return std::max(statistics::design_effect(windows), statistics::design_effect(sums_of(Metric::errors, arm.totals)));
  }

  statistics::RiskRatio error_risk(double design_effect) const {
    statistics::RiskRatio risk;
    for (const auto& epoch : epochs_)
      for (std::size_t i = 0; i < epoch.starts.size(); ++i) {
        const auto& c = epoch.control.windows[i];
        const auto& t = epoch.candidate.windows[i];
        risk.add(number(t.errors) / design_effect, number(c.errors) / design_effect, number(t.requests), number(c.requests));
      }
    return risk;
  }

  void judge_mean(Effect& effect, double alpha) const {
    Sums control, candidate;
    std::vector<Estimate> estimates;
    for (const auto& epoch : epochs_) {
      std::vector<statistics::PairedWindow> windows;
      Sums c, t;
      for (std::size_t i = 0; i < epoch.starts.size(); ++i) {
        windows.push_back(
            {sums_of(effect.metric, epoch.control.windows[i]), sums_of(effect.metric, epoch.candidate.windows[i])});
        c = {c.n + windows.back().control.n, c.y + windows.back().control.y};
        t = {t.n + windows.back().candidate.n, t.y + windows.back().candidate.y};
      }
      control = {control.n + c.n, control.y + c.y};
      candidate = {candidate.n + t.n, candidate.y + t.y};
      if (windows.size() < 2 || c.y <= 0 || t.y <= 0) continue;
      const auto by_window = statistics::ln_ratio(windows);
      const auto estimate = statistics::with_variance_at_least(
          by_window, statistics::ln_mean_variance(sums_of(effect.metric, epoch.control.totals)) +
                         statistics::ln_mean_variance(sums_of(effect.metric, epoch.candidate.totals)));
      effect.is_wider_by_keys |= estimate.s > by_window.s;
      estimates.push_back(estimate);
    }
    if (control.n > 0) effect.control = control.y / control.n;
    if (candidate.n > 0) effect.candidate = candidate.y / candidate.n;
    const auto combined = statistics::combined(estimates);
    effect.windows = static_cast<std::uint64_t>(combined.windows);
    if (combined.windows < 2) return lack(effect);
    const auto interval = combined.interval(alpha, state_.demands.planned_windows);
    effect.ratio = std::exp(combined.value);
    effect.interval = {std::exp(interval.low), std::exp(interval.high)};
  }

  static void lack(Effect& effect) {
    if (effect.standing != Standing::judged) return;
    effect.standing = Standing::too_little;
    effect.why = "nothing was measured";
  }

  // Over windows and over clusters of keys, the larger.
  static double design_effect(const ArmData& arm, double p) {
    const auto bucket = measure::quantile_bucket(arm.total.total, p);
    std::vector<Sums> windows, clusters;
    for (const auto& window : arm.windows)
      windows.push_back({number(window.requests), number(window.total.count_before(bucket + 1))});
    const auto border = measure::FineBuckets::lower_bound(bucket + 1);
    for (const auto& cluster : arm.totals.clusters)
      if (cluster.requests > 0)
        clusters.push_back(
            {number(cluster.requests), number(cluster.total.count_before(measure::CoarseBuckets::index_of(border)))});
    return std::max(statistics::design_effect(windows), statistics::design_effect(clusters));
  }

  static std::uint64_t least_requests(Metric metric) {
    switch (metric) {
      case Metric::p95:
        return 500;
      case Metric::p99:
        return 2'000;
      case Metric::p999:
        return 20'000;
      default:
        return 1;
    }
  }

  void judge_quantile(Effect& effect) const {
    const auto* epoch = main_epoch(epochs_);
    if (epoch == nullptr) return;
    const double p = share_of(effect.metric);
    const auto control = bins_of(epoch->control.total.total);
    const auto candidate = bins_of(epoch->candidate.total.total);
    if (control.empty() || candidate.empty()) return;
    const auto ratio = statistics::quantile_ratio(control, candidate, p, effect.alpha, design_effect(epoch->control, p),
                                                  design_effect(epoch->candidate, p));
    effect.control = statistics::quantile(control, p);
    effect.candidate = statistics::quantile(candidate, p);
    effect.ratio = ratio.ratio;
    effect.interval = ratio.interval;
    effect.windows = epoch->starts.size();
    effect.design_effect = std::max(ratio.design_effect_control, ratio.design_effect_candidate);
    const auto least = least_requests(effect.metric);
    const auto fewer = std::min(epoch->control.total.requests, epoch->candidate.total.requests);
    if (effect.standing == Standing::judged && fewer < least) {
      effect.standing = Standing::too_little;
      effect.why = std::to_string(fewer) + " of " + std::to_string(least) + " requests of each arm";
    }
  }

  Stages stages(ArmData EpochData::*arm) const {
    measure::Sum queue = 0, gil = 0, exec = 0, total = 0;
    std::uint64_t requests = 0;
    for (const auto& epoch : epochs_) {
      const auto& totals = (epoch.*arm).totals;
      queue += totals.queue.sum_ns;
      gil += totals.gil.sum_ns;
      exec += totals.exec.sum_ns;
      total += (epoch.*arm).all_total_ns;
      requests += (epoch.*arm).all_requests;
    }
    if (requests == 0) return {};
    const auto mean = [&](measure::Sum sum) { return number(sum) / number(requests); };
    return {mean(queue), mean(gil), mean(exec), mean(total)};
  }

  void judge_error_events(CandidateReport& result) const {
    const auto risk = error_risk(1);
    result.error_ln_e = risk.ln_e(statistics::Sides::one);
    result.error_ratio = risk.interval(state_.demands.alpha);
  }

  std::optional<Answers> answers() const {
    const auto found = state_.comparisons.find(state_.arms[candidate_].name);
    if (found == state_.comparisons.end()) return std::nullopt;
    using comparison::Outcome;
    const auto& tally = found->second;
    Answers answers;
    answers.compared = tally.compared();
    answers.mismatches = tally.count(Outcome::mismatch);
    answers.noise = tally.count(Outcome::noise);
    answers.errors = tally.count(Outcome::error);
    answers.skipped = tally.count(Outcome::skipped);
    answers.triples = tally.triples();
    answers.rate =
        statistics::proportion_interval(number(answers.mismatches), number(answers.compared), state_.demands.alpha);
    answers.live_shapes = tally.live_shapes();
    answers.covered_shapes = tally.covered_shapes();
    answers.lost_findings = tally.lost_findings();
    std::vector<double> ln_e_values;
    for (const auto& [signature, finding] : tally.findings()) {
      const double ln_e = statistics::ln_paired_events_e(number(finding.candidate_only), number(finding.control_only),
                                                         statistics::Sides::one);
      answers.findings.push_back({signature, finding, ln_e, false});
      ln_e_values.push_back(ln_e);
    }
    for (const auto index : statistics::e_benjamini_hochberg(ln_e_values, state_.demands.alpha))
      answers.findings[index].is_real = true;
    std::stable_sort(answers.findings.begin(), answers.findings.end(),
                     [](const auto& a, const auto& b) { return a.finding.count > b.finding.count; });
    return answers;
  }

  std::vector<WindowPoint> over_time() const {
    std::vector<WindowPoint> points;
    for (const auto& epoch : epochs_)
      for (std::size_t i = 0; i < epoch.starts.size(); ++i) {
        const auto& c = epoch.control.windows[i];
        const auto& t = epoch.candidate.windows[i];
        points.push_back({epoch.starts[i], c.requests, t.requests, number(c.total_ns) / number(c.requests),
                          number(t.total_ns) / number(t.requests)});
      }
    return points;
  }

  // Both arms' bands at once: α/2 each.
  std::vector<ShiftPoint> shift() const {
    std::vector<ShiftPoint> points;
    const auto* epoch = main_epoch(epochs_);
    if (epoch == nullptr) return points;
    const auto control = bins_of(epoch->control.total.total);
    const auto candidate = bins_of(epoch->candidate.total.total);
    for (const double p : kShiftPoints) {
      const auto band = [&](const ArmData& arm, const std::vector<statistics::Bin>& bins) {
        const double t = number(arm.total.requests) / design_effect(arm, p);
        if (t < 100) return Interval{0, std::numeric_limits<double>::infinity()};
        const double radius = statistics::distribution_band(t, state_.demands.alpha / 2);
        return statistics::quantile_interval(bins, p, {radius, radius});
      };
      const auto c = band(epoch->control, control);
      const auto t = band(epoch->candidate, candidate);
      ShiftPoint point;
      point.p = p;
      point.ratio = statistics::quantile(candidate, p) / statistics::quantile(control, p);
      point.band.low = c.high > 0 ? t.low / c.high : 0;
      point.band.high = c.low > 0 ? t.high / c.low : std::numeric_limits<double>::infinity();
      points.push_back(point);
    }
    return points;
  }

  static const Effect& find(const CandidateReport& result, Metric metric) {
    return *std::find_if(result.effects.begin(), result.effects.end(),
                         [&](const Effect& each) { return each.metric == metric; });
  }

  static std::string sentence(const std::string& what, const Effect& effect) {
    if (effect.standing != Standing::judged)
      return what + ": " + std::string(name_of(effect.standing)) + " (" + effect.why + ")";
    if (effect.ratio == 0) return what + ": " + effect.why + ", " + verdict_text(effect);
    return what + ": " + format_ratio(effect.ratio) + " " + format_interval(effect.interval) + ", " + verdict_text(effect);
  }

  static std::vector<std::string> sentences_of(const CandidateReport& result) {
    std::vector<std::string> sentences;
    if (!result.answers || result.answers->compared == 0) {
      sentences.emplace_back("answers: no data (nothing was compared)");
    } else {
      const auto& answers = *result.answers;
      sentences.push_back("answers: " + std::to_string(answers.mismatches) + " of " + std::to_string(answers.compared) +
                          " compared pairs differ, at most " + format_percent(answers.rate.high) + " of all; " +
                          std::to_string(answers.covered_shapes) + " of " + std::to_string(answers.live_shapes) +
                          " shapes of answers seen");
    }
    sentences.push_back(sentence("mean time", find(result, Metric::mean)));
    sentences.push_back(sentence("p99", find(result, Metric::p99)));
    sentences.push_back(sentence("CPU a request", find(result, Metric::cpu)));
    sentences.push_back(sentence("errors", find(result, Metric::errors)));
    return sentences;
  }

  const State& state_;
  std::size_t candidate_;
  std::vector<EpochData> epochs_;  // those in which both arms have a share
  struct Alone {
    std::uint32_t epoch = 0;
    bool is_candidate = false;  // who was alone
  };
  std::vector<Alone> alone_;  // the others, as far as there was traffic
};

// Per pair of neighbouring windows the logarithm of the ratio of their quantiles; the mean of these terms has a confidence
// sequence as paired windows have.
std::optional<ShadowCost> shadow_cost_of(const State& state) {
  if (state.verified_since == 0) return std::nullopt;
  ShadowCost cost;
  std::vector<std::pair<Counts, Counts>> pairs;  // without, with
  for (const auto& [number_of, epoch] : state.record.epochs()) {
    if (epoch.window_seconds != state.record.window_seconds()) continue;  // windows were put together: both kinds in one
    for (const auto& [index, arms] : epoch.windows) {
      const auto next = epoch.windows.find(index + 1);
      if (!measure::has_shadows(index) || next == epoch.windows.end() || index * epoch.window_seconds < state.verified_since)
        continue;
      auto with = compared_part(arms[state.control], false);
      auto without = compared_part(next->second[state.control], false);
      if (std::min(with.requests, without.requests) >= kFullWindow) pairs.emplace_back(std::move(without), std::move(with));
    }
  }
  cost.pairs = pairs.size();
  Counts with, without;
  for (const auto& [one, other] : pairs) {
    without.merge(one);
    with.merge(other);
  }
  for (const auto& [metric, p] : {std::pair(Metric::p50, 0.5), std::pair(Metric::p99, 0.99)}) {
    const auto quantile = [p = p](const Counts& counts) {
      return number(measure::FineBuckets::lower_bound(measure::quantile_bucket(counts.total, p)));
    };
    Effect effect;
    effect.metric = metric;
    effect.margin = state.demands.quantile_margin;
    effect.alpha = state.demands.alpha / 2;
    effect.windows = pairs.size();
    if (pairs.empty()) {
      effect.why = "no two neighbouring windows with " + std::to_string(kFullWindow) + " requests";
      cost.effects.push_back(effect);
      continue;
    }
    std::vector<double> terms;
    for (const auto& [one, other] : pairs)
      terms.push_back(std::log(std::max(1.0, quantile(other)) / std::max(1.0, quantile(one))));
    const auto estimate = statistics::mean_of_terms(terms);
    const auto interval = estimate.interval(effect.alpha, state.demands.planned_windows);
    effect.control = quantile(without);
    effect.candidate = quantile(with);
    effect.ratio = std::exp(estimate.value);
    effect.interval = {std::exp(interval.low), std::exp(interval.high)};
    effect.standing = pairs.size() < state.demands.min_windows ? Standing::too_little : Standing::judged;
    if (effect.standing == Standing::judged)
      effect.verdict = statistics::verdict_of(effect.interval, effect.margin);
    else
      effect.why = std::to_string(pairs.size()) + " of " + std::to_string(state.demands.min_windows) + " pairs of windows";
    cost.effects.push_back(effect);
  }
  return cost;
}

}  // namespace

std::string_view name_of(Standing standing) {
  constexpr std::string_view kNames[] = {"no data", "too little", "invalid", "judged"};
  return kNames[static_cast<std::size_t>(standing)];
}

std::string_view name_of(Metric metric) {
  constexpr std::string_view kNames[] = {"mean", "p50", "p95", "p99", "p99.9", "cpu", "errors", "bytes"};
  return kNames[static_cast<std::size_t>(metric)];
}

Report evaluate(const State& state, Depth depth) {
  Report report;
  report.experiment = state.experiment;
  report.route = state.route;
  report.salt = state.salt;
  report.assign = state.assign;
  report.state = state.state;
  report.revision = state.revision;
  report.control = state.arms[state.control].name;
  report.control_backend = state.arms[state.control].backend;
  report.is_matched = state.is_matched;
  report.demands = state.demands;
  report.shadow_cost = shadow_cost_of(state);
  report.events = state.events;
  report.guardrails = state.guardrails;
  for (std::size_t arm = 0; arm < state.arms.size(); ++arm)
    if (arm != state.control) report.candidates.push_back(Judge(state, arm).report(depth));
  return report;
}

}  // namespace tandem::report
