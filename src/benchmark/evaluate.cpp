#include <algorithm>
#include <array>
#include <cmath>

#include "benchmark/benchmark.hpp"
#include "report/format.hpp"

namespace tandem::benchmark {

namespace {

using loadgen::Block;
using loadgen::Side;
using statistics::Direction;
using statistics::Interval;

constexpr std::size_t kMinPairs = 6;  // fewer pairs can't give a sign-flip p below 0.05
constexpr double kMaxLateness = 1e6, kMaxLatenessShare = 0.05;
constexpr double kMinAchieved = 0.99;
constexpr double kMaxWrongStatus = 0.01;
constexpr double kMaxGeneratorCpu = 0.8;
constexpr Nanoseconds kMaxClockStep = Milliseconds(10);  // a clock that is being set right moves 0.5 ms a second at most

struct MetricTraits {
  Metric metric;
  std::string_view name;
  double quantile;  // 0: none
};
constexpr std::array kMetrics{MetricTraits{Metric::mean, "mean", 0},      MetricTraits{Metric::p50, "p50", 0.5},
                              MetricTraits{Metric::p90, "p90", 0.9},      MetricTraits{Metric::p99, "p99", 0.99},
                              MetricTraits{Metric::p999, "p99.9", 0.999}, MetricTraits{Metric::cpu, "cpu", 0}};

struct Pair {
  const Block* control = nullptr;
  const Block* candidate = nullptr;
};

std::vector<Pair> pairs_of(const Run& run, bool is_calibration) {
  std::vector<Pair> pairs;
  for (const auto& block : run.blocks) {
    if (block.is_calibration != is_calibration) continue;
    if (pairs.size() <= block.pair) pairs.resize(block.pair + 1);
    (block.side == Side::control ? pairs[block.pair].control : pairs[block.pair].candidate) = &block;
  }
  std::erase_if(pairs, [](const Pair& pair) { return pair.control == nullptr || pair.candidate == nullptr; });
  return pairs;
}

// Processor time of a request in ns, without what an idle server uses; 0: unknown.
double cpu_of(const Run& run, const Block& block) {
  if (block.server_cpu_seconds < 0 || block.server_requests == 0) return 0;
  const auto side = static_cast<std::size_t>(block.is_calibration ? Side::control : block.side);
  const auto elapsed = std::chrono::duration<double>(run.plan.washout + block.duration).count();
  const auto used = block.server_cpu_seconds - run.idle_cpu[side] * elapsed;
  return std::max(0.0, used) * 1e9 / static_cast<double>(block.server_requests);
}

double value_of(const Run& run, const MetricTraits& metric, const Block& block) {
  if (metric.metric == Metric::cpu) return cpu_of(run, block);
  return metric.quantile > 0 ? block.latency.quantile_ns(metric.quantile) : block.latency.mean_ns();
}

// ln(candidate / control) of each pair; nothing when one of them has no value.
std::optional<std::vector<double>> differences_of(const Run& run, const MetricTraits& metric,
                                                  const std::vector<Pair>& pairs) {
  std::vector<double> differences;
  for (const auto& pair : pairs) {
    const auto control = value_of(run, metric, *pair.control), candidate = value_of(run, metric, *pair.candidate);
    if (control <= 0 || candidate <= 0) return std::nullopt;
    differences.push_back(std::log(candidate / control));
  }
  return differences;
}

// Of both sides' blocks: the mean over blocks of what is compared.
double pooled(const Run& run, const MetricTraits& metric, const std::vector<Pair>& pairs, Side side, const Totals& totals) {
  if (metric.quantile > 0) return totals.latency.quantile_ns(metric.quantile);
  if (metric.metric == Metric::mean) return totals.latency.mean_ns();
  double sum = 0;
  for (const auto& pair : pairs) sum += cpu_of(run, side == Side::control ? *pair.control : *pair.candidate);
  return sum / static_cast<double>(pairs.size());
}

std::string plural(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double wrong_status_share(const Totals& totals) { return share(totals.wrong_status, totals.answered); }

// "3 % of cpp's answers have another status than expected"; empty: few of neither's. A server that turns requests away is
// quick.
std::string shed_load(const Run& run, const Findings& findings) {
  std::string text;
  for (const auto& [subject, totals] :
       {std::pair{&run.control, &findings.control}, std::pair{&run.candidate, &findings.candidate}})
    if (wrong_status_share(*totals) > kMaxWrongStatus)
      text += (text.empty() ? "" : ", ") + report::format_percent(wrong_status_share(*totals)) + " of " + subject->name +
              "'s answers";
  return text.empty() ? text : text + " have another status than expected";
}

// Why a metric can't be judged; empty: it can.
std::string objection(const Run& run, const Findings& findings, const MetricTraits& metric, const std::vector<Pair>& pairs) {
  if (auto shed = shed_load(run, findings); !shed.empty()) return shed;
  if (pairs.size() < kMinPairs) return "a verdict needs " + std::to_string(kMinPairs) + " pairs of blocks";
  if (run.plan.calibration_pairs == 0) return "control was not measured against itself";
  if (metric.quantile < 0.9) return {};
  const auto needed = statistics::wilks_minimum(metric.quantile, 0.95);
  const auto enough = [&](const Block* block) { return block->latency.count() >= needed; };
  if (std::all_of(pairs.begin(), pairs.end(),
                  [&](const Pair& pair) { return enough(pair.control) && enough(pair.candidate); }))
    return {};
  return std::string(metric.name) + " needs " + std::to_string(needed) + " requests in each block";
}

double noise_of(const Run& run, const MetricTraits& metric, const std::vector<Pair>& calibration) {
  const auto differences = differences_of(run, metric, calibration);
  if (!differences || differences->empty()) return 0;
  double largest = 0;
  for (const double difference : *differences) largest = std::max(largest, std::abs(difference));
  return std::exp(largest);
}

// Better or worse only if the exact test says so, too, and by more than control differs from itself.
void pass_verdict(const Run& run, const MetricTraits& metric, double margin, Effect& effect) {
  effect.verdict = statistics::verdict_of(effect.interval, margin);
  effect.is_judged = true;
  if (effect.verdict.direction == Direction::undecided) return;
  if (effect.sign_flip_p > run.plan.alpha) {
    effect.verdict.direction = Direction::undecided;
    effect.why = "the sign-flip test does not agree";
  } else if (std::abs(std::log(effect.ratio)) <= std::log(std::max(effect.noise, 1.0))) {
    effect.verdict.direction = Direction::undecided;
    effect.why = std::string(metric.name) + " of control differs from itself by as much";
  }
}

Effect effect_of(const Run& run, const Findings& findings, const MetricTraits& metric, const std::vector<Pair>& pairs,
                 double alpha) {
  Effect effect;
  effect.metric = metric.metric;
  const auto differences = differences_of(run, metric, pairs);
  if (!differences) {
    effect.why = metric.metric == Metric::cpu ? "what requests cost the server is unknown, or too little to tell"
                                              : "nothing was answered";
    return effect;
  }
  effect.control = pooled(run, metric, pairs, Side::control, findings.control);
  effect.candidate = pooled(run, metric, pairs, Side::candidate, findings.candidate);
  if (differences->size() < 2) {
    effect.ratio = std::exp(differences->front());
    effect.why = objection(run, findings, metric, pairs);
    return effect;
  }
  const auto block = statistics::block_effect(*differences, alpha);
  effect.ratio = std::exp(block.mean);
  effect.interval = {std::exp(block.interval.low), std::exp(block.interval.high)};
  effect.sign_flip_p = block.sign_flip_p;
  effect.noise = noise_of(run, metric, pairs_of(run, true));
  effect.why = objection(run, findings, metric, pairs);
  if (!effect.why.empty()) return effect;
  const bool is_tail = metric.quantile >= 0.9;
  pass_verdict(run, metric, is_tail ? run.plan.quantile_margin : run.plan.margin, effect);
  return effect;
}

void add_block(const Block& block, Totals& totals) {
  totals.planned += block.planned;
  totals.answered += block.answered;
  totals.wrong_status += block.wrong_status;
  totals.wrong_body += block.wrong_body;
  totals.timeouts += block.timeouts;
  totals.socket_errors += block.socket_errors;
  totals.censored += block.censored;
  totals.achieved_rate += block.achieved_rate();
  totals.rss_bytes = std::max(totals.rss_bytes, block.server_rss_bytes);
  totals.latency.merge(block.latency);
  totals.service.merge(block.service);
}

void add_totals(const std::vector<Pair>& pairs, Findings& findings) {
  for (const auto& pair : pairs) {
    add_block(*pair.control, findings.control);
    add_block(*pair.candidate, findings.candidate);
  }
  if (pairs.empty()) return;
  findings.control.achieved_rate /= static_cast<double>(pairs.size());
  findings.candidate.achieved_rate /= static_cast<double>(pairs.size());
}

// Each arm against its own median. Over all of its blocks: a few requests have no p99 but the worst of them, and a block
// that was late as a whole is more than a hundredth of any run.
Check late_check(const Run& run) {
  struct Arm {
    loadgen::Latencies lateness, latency;
  };
  std::array<Arm, 2> arms;
  for (const auto& block : run.blocks) {
    auto& arm = arms[!block.is_calibration && block.side == Side::candidate ? 1 : 0];
    arm.lateness.merge(block.lateness);
    arm.latency.merge(block.latency);
  }
  double worst = 0, worst_limit = kMaxLateness;
  for (const auto& arm : arms) {
    const auto p99 = arm.lateness.quantile_ns(0.99);
    const auto limit = std::max(kMaxLateness, kMaxLatenessShare * arm.latency.quantile_ns(0.5));
    if (p99 * worst_limit < worst * limit) continue;
    worst = p99;
    worst_limit = limit;
  }
  return {"generator on time", "p99 " + report::format_duration(worst) + " late",
          "at most " + report::format_duration(worst_limit), worst <= worst_limit};
}

Check rate_check(const Run& run) {
  double lowest = 1;
  for (const auto& block : run.blocks) lowest = std::min(lowest, block.carried());
  return {"load carried", report::format_percent(lowest) + " achieved in the worst block",
          "at least " + report::format_percent(kMinAchieved), lowest >= kMinAchieved};
}

Check generator_check(const Run& run) {
  double most = 0;
  for (const auto& block : run.blocks) most = std::max(most, block.generator_cpu);
  return {"generator's CPU", report::format_percent(most) + " of a core",
          "below " + report::format_percent(kMaxGeneratorCpu), most < kMaxGeneratorCpu};
}

Check socket_check(const Run& run) {
  std::uint64_t errors = 0;
  for (const auto& block : run.blocks) errors += block.socket_errors;
  return {"connections", plural(errors, "failure"), "none", errors == 0};
}

Check revision_check(const Run& run) {
  bool is_same = true;
  for (const auto& block : run.blocks) is_same = is_same && block.server_revision == run.blocks.front().server_revision;
  const bool is_known = run.blocks.front().server_revision != 0;
  return {"server's configuration",
          !is_same   ? "changed"
          : is_known ? "the same throughout"
                     : "unknown",
          "the same throughout", is_same};
}

Check clock_check(const Run& run) {
  Nanoseconds most{0};
  for (const auto& block : run.blocks) most = std::max(most, Nanoseconds(std::abs(block.clock_step.count())));
  return {"clock", "moved by " + report::format_duration(static_cast<double>(most.count())), "less than 10 ms a block",
          most < kMaxClockStep};
}

// "p99 0.42× [0.38, 0.47], better"
std::string clause(const Effect& effect) {
  return std::string(name_of(effect.metric)) + " " + report::format_ratio(effect.ratio) + " " +
         report::format_interval(effect.interval) + ", " + std::string(effect.verdict.words());
}

std::string answers_sentence(const Run& run) {
  const auto& answers = *run.answers;
  const auto judged = answers.requests - answers.unstable - answers.failed;
  std::string text;
  if (judged == 0)
    text = "No answer could be compared";
  else if (answers.different == 0)
    text = run.candidate.name + " answers the same as " + run.control.name + " (" + plural(judged, "request") + ")";
  else
    text = run.candidate.name + " answers otherwise than " + run.control.name + " in " + std::to_string(answers.different) +
           " of " + plural(judged, "request");
  if (answers.unstable > 0)
    text += "; " + std::to_string(answers.unstable) + " of " + run.control.name + " are never the same and not compared";
  if (answers.failed > 0) text += "; " + std::to_string(answers.failed) + " got no whole answer";
  return text + ".";
}

std::string capacity_sentence(const Run& run) {
  const auto one = [&](const Subject& subject, const Capacity& capacity) {
    const auto rate = std::to_string(std::lround(capacity.rate));
    return subject.name + (capacity.is_unsteady ? " at no rate three times in a row"
                           : capacity.rate == 0 ? " at no rate that was tried"
                           : capacity.is_limited_by_generator
                               ? " at " + rate + " requests a second or more (the generator can do no more)"
                               : " up to " + rate + " requests a second");
  };
  return run.plan.goal->text + " is kept by " + one(run.control, *run.capacity_control) + ", by " +
         one(run.candidate, *run.capacity_candidate) + ".";
}

std::vector<std::string> sentences_of(const Run& run, const Findings& findings) {
  std::vector<std::string> sentences;
  if (run.answers) sentences.push_back(answers_sentence(run));
  std::string judged, undecided;
  for (const auto& effect : findings.effects) {
    if (effect.is_judged && effect.verdict.words() != "undecided")
      judged += (judged.empty() ? "" : "; ") + clause(effect);
    else
      undecided += (undecided.empty() ? "" : ", ") + std::string(name_of(effect.metric));
  }
  if (!judged.empty()) sentences.push_back(run.candidate.name + " against " + run.control.name + ": " + judged + ".");
  if (!undecided.empty()) sentences.push_back("Undecided: " + undecided + ".");
  if (const auto shed = shed_load(run, findings); !shed.empty())
    sentences.push_back("Latency and cost are not judged: " + shed + ".");
  if (run.capacity_control && run.capacity_candidate) sentences.push_back(capacity_sentence(run));
  if (findings.candidate.errors() + findings.control.errors() > 0)
    sentences.push_back("Not answered as expected: " + std::to_string(findings.control.errors()) + " of " +
                        plural(findings.control.planned, "request") + " of " + run.control.name + ", " +
                        std::to_string(findings.candidate.errors()) + " of " +
                        plural(findings.candidate.planned, "request") + " of " + run.candidate.name + ".");
  return sentences;
}

}  // namespace

std::string_view name_of(Arrivals arrivals) { return arrivals == Arrivals::poisson ? "poisson" : "constant"; }

std::string_view name_of(Metric metric) { return kMetrics[static_cast<std::size_t>(metric)].name; }

Findings evaluate(const Run& run) {
  Findings findings;
  const auto pairs = pairs_of(run, false);
  findings.is_complete = !run.is_interrupted && pairs.size() == run.plan.pairs;
  if (!run.blocks.empty()) {
    for (const auto check : {late_check, rate_check, generator_check, socket_check, revision_check, clock_check})
      findings.checks.push_back(check(run));
  }
  findings.is_valid =
      std::all_of(findings.checks.begin(), findings.checks.end(), [](const Check& check) { return check.is_ok; });
  add_totals(pairs, findings);
  if (!findings.is_valid) return findings;
  // Half of the allowance for the mean, the rest for the others that can be judged (§5.10).
  std::size_t others = 0;
  for (const auto& metric : kMetrics)
    if (metric.metric != Metric::mean && objection(run, findings, metric, pairs).empty()) ++others;
  for (const auto& metric : kMetrics)
    if (!pairs.empty())
      findings.effects.push_back(effect_of(
          run, findings, metric, pairs,
          metric.metric == Metric::mean ? run.plan.alpha / 2
                                        : run.plan.alpha / 2 / static_cast<double>(std::max<std::size_t>(others, 1))));
  findings.sentences = sentences_of(run, findings);
  return findings;
}

}  // namespace tandem::benchmark
