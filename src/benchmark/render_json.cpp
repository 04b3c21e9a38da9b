#include <cmath>
#include <nlohmann/json.hpp>

#include "benchmark/benchmark.hpp"

namespace tandem::benchmark {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

double ms(double ns) { return ns / 1e6; }
double seconds(Nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

// Where there is none, null.
Json number(double value, bool is_there) { return is_there && std::isfinite(value) ? Json(value) : Json(); }

Json subject_json(const Subject& subject) {
  return {{"name", subject.name}, {"backend", subject.backend}, {"url", subject.url}};
}

Json plan_json(const Plan& plan) {
  Json json{{"rate", plan.rate},
            {"arrivals", name_of(plan.arrivals)},
            {"connections", plan.connections},
            {"pairs", plan.pairs},
            {"calibration_pairs", plan.calibration_pairs},
            {"block_seconds", seconds(plan.block)},
            {"washout_seconds", seconds(plan.washout)},
            {"timeout_seconds", seconds(plan.timeout)},
            {"seed", plan.seed},
            {"alpha", plan.alpha},
            {"margin", plan.margin},
            {"quantile_margin", plan.quantile_margin}};
  if (plan.goal) json["slo"] = plan.goal->text;
  return json;
}

Json totals_json(const Totals& totals, bool is_valid) {
  return {{"due", totals.planned},
          {"answered", totals.answered},
          {"wrong_status", totals.wrong_status},
          {"wrong_body", totals.wrong_body},
          {"timeouts", totals.timeouts},
          {"socket_errors", totals.socket_errors},
          {"censored", totals.censored},
          {"achieved_rate", number(totals.achieved_rate, is_valid)},
          {"service_mean_ms", number(ms(totals.service.mean_ns()), is_valid)},
          {"rss_bytes", number(totals.rss_bytes, totals.rss_bytes >= 0)}};
}

Json effect_json(const Effect& effect) {
  const bool has_ratio = effect.ratio > 0;
  return {{"metric", name_of(effect.metric)},
          {"control_ms", number(ms(effect.control), has_ratio)},
          {"candidate_ms", number(ms(effect.candidate), has_ratio)},
          {"ratio", number(effect.ratio, has_ratio)},
          {"low", number(effect.interval.low, has_ratio)},
          {"high", number(effect.interval.high, has_ratio)},
          {"sign_flip_p", number(effect.sign_flip_p, has_ratio)},
          {"noise", number(effect.noise, effect.noise > 0)},
          {"verdict", effect.is_judged ? Json(effect.verdict.words()) : Json()},
          {"why", effect.why}};
}

Json block_json(const loadgen::Block& block, bool is_valid) {
  Json json{{"side", block.side == loadgen::Side::control ? "control" : "candidate"},
            {"calibration", block.is_calibration},
            {"pair", block.pair},
            {"due", block.planned},
            {"answered", block.answered},
            {"errors", block.errors()},
            {"wrong_status", block.wrong_status},
            {"carried", block.carried()},
            {"lateness_p99_ms", ms(block.lateness.quantile_ns(0.99))},
            {"generator_cpu", block.generator_cpu}};
  if (!is_valid) return json;
  for (const auto& [name, quantile] :
       {std::pair{"p50_ms", 0.5}, std::pair{"p90_ms", 0.9}, std::pair{"p99_ms", 0.99}, std::pair{"p99.9_ms", 0.999}})
    json[name] = ms(block.latency.quantile_ns(quantile));
  json["mean_ms"] = ms(block.latency.mean_ns());
  json["max_ms"] = ms(block.latency.max_ns());
  json["server_cpu_seconds"] = number(block.server_cpu_seconds, block.server_cpu_seconds >= 0);
  return json;
}

Json answers_json(const AnswerCheck& answers) {
  Json json{{"requests", answers.requests},
            {"different", answers.different},
            {"unstable", answers.unstable},
            {"failed", answers.failed}};
  auto samples = Json::array();
  for (const auto& sample : answers.samples) {
    auto differences = Json::array();
    for (const auto& difference : sample.differences)
      differences.push_back({{"kind", comparison::name_of(difference.kind)},
                             {"path", difference.path},
                             {"control", difference.control},
                             {"candidate", difference.candidate}});
    samples.push_back({{"request", sample.request}, {"differences", std::move(differences)}});
  }
  json["samples"] = std::move(samples);
  return json;
}

Json capacity_json(const Capacity& capacity) {
  Json json{{"rate", capacity.rate},
            {"limited_by_generator", capacity.is_limited_by_generator},
            {"unsteady", capacity.is_unsteady}};
  auto steps = Json::array();
  for (const auto& step : capacity.steps)
    steps.push_back({{"rate", step.rate},
                     {"achieved", step.achieved},
                     {"latency_ms", ms(step.latency)},
                     {"kept", step.is_kept},
                     {"confirmation", step.is_confirmation},
                     {"why", step.why}});
  json["steps"] = std::move(steps);
  return json;
}

Json run_json(const Run& run, const Findings& findings) {
  Json json{{"schema", kSchema},
            {"title", run.title},
            {"control", subject_json(run.control)},
            {"candidate", subject_json(run.candidate)},
            {"valid", findings.is_valid},
            {"complete", findings.is_complete}};
  auto checks = Json::array();
  for (const auto& check : findings.checks)
    checks.push_back({{"name", check.name}, {"value", check.value}, {"demand", check.demand}, {"ok", check.is_ok}});
  json["checks"] = std::move(checks);
  json["plan"] = plan_json(run.plan);
  json["requests"] = {{"distinct", run.distinct_requests}, {"example", run.example}};
  json["machine"] = run.machine;
  json["version"] = run.version;
  json["started_unix_ms"] = run.started_unix_ms;
  json["interrupted"] = run.is_interrupted;
  json["idle_cpu"] = run.idle_cpu;
  json["notes"] = run.notes;
  json["sentences"] = findings.sentences;
  auto effects = Json::array();
  for (const auto& effect : findings.effects) effects.push_back(effect_json(effect));
  json["effects"] = std::move(effects);
  json["totals"] = {{"control", totals_json(findings.control, findings.is_valid)},
                    {"candidate", totals_json(findings.candidate, findings.is_valid)}};
  json["answers"] = run.answers ? answers_json(*run.answers) : Json();
  if (run.capacity_control) json["capacity"]["control"] = capacity_json(*run.capacity_control);
  if (run.capacity_candidate) json["capacity"]["candidate"] = capacity_json(*run.capacity_candidate);
  auto blocks = Json::array();
  for (const auto& block : run.blocks) blocks.push_back(block_json(block, findings.is_valid));
  json["blocks"] = std::move(blocks);
  return json;
}

// What a candidate answers may be no UTF-8.
std::string dumped(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

std::string to_json(const Run& run, const Findings& findings) { return dumped(run_json(run, findings)); }

std::string to_json(const Suite& suite) {
  Json json{{"schema", kSchema}, {"title", suite.title}};
  auto runs = Json::array();
  for (const auto& run : suite.runs) runs.push_back(run_json(run, evaluate(run)));
  json["runs"] = std::move(runs);
  auto skipped = Json::array();
  for (const auto& one : suite.skipped)
    skipped.push_back({{"route", one.route}, {"why", one.why}, {"failed", one.is_failure}});
  json["skipped"] = std::move(skipped);
  json["notes"] = suite.notes;
  return dumped(json);
}

}  // namespace tandem::benchmark
