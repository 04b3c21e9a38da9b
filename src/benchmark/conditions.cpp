#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "base/ascii.hpp"
#include "benchmark/benchmark.hpp"

namespace tandem::benchmark {

namespace {

constexpr std::array kMetrics{Metric::mean, Metric::p50, Metric::p90, Metric::p99, Metric::p999, Metric::cpu};

bool is_subject(std::string_view name) {
  return name == "errors" || name == "differences" ||
         std::any_of(kMetrics.begin(), kMetrics.end(), [&](Metric metric) { return name_of(metric) == name; });
}

bool fulfils(double value, const Condition& condition) {
  if (condition.relation == ">") return value > condition.limit;
  if (condition.relation == ">=") return value >= condition.limit;
  if (condition.relation == "<") return value < condition.limit;
  return value <= condition.limit;
}

Outcome judge_number(double value, const Condition& condition) {
  return fulfils(value, condition) ? Outcome::fail : Outcome::pass;
}

// Of the whole interval.
Outcome judge_interval(const statistics::Interval& interval, const Condition& condition) {
  const bool low = fulfils(interval.low, condition), high = fulfils(interval.high, condition);
  return low && high ? Outcome::fail : low || high ? Outcome::undecided : Outcome::pass;
}

Outcome judge_one(const Run& run, const Findings& findings, const Condition& condition) {
  if (condition.subject == "differences")
    return run.answers ? judge_number(static_cast<double>(run.answers->different), condition) : Outcome::undecided;
  if (condition.subject == "errors") {
    const auto& totals = findings.candidate;
    if (totals.planned == 0) return Outcome::undecided;
    return judge_number(static_cast<double>(totals.errors()) / static_cast<double>(totals.planned), condition);
  }
  const auto effect = std::find_if(findings.effects.begin(), findings.effects.end(),
                                   [&](const Effect& each) { return name_of(each.metric) == condition.subject; });
  if (effect == findings.effects.end() || !effect->is_judged) return Outcome::undecided;
  return judge_interval(effect->interval, condition);
}

Result<Condition> parse_condition(std::string_view text) {
  const Error malformed("expected conditions such as p99>1.2,errors>0.01, got \"" + std::string(text) + "\"");
  const auto begin = text.find_first_of("<>");
  if (begin == std::string_view::npos) return malformed;
  Condition condition;
  condition.subject = ascii::trim(text.substr(0, begin));
  const auto end = begin + (begin + 1 < text.size() && text[begin + 1] == '=' ? 2 : 1);
  condition.relation = text.substr(begin, end - begin);
  const std::string number(ascii::trim(text.substr(end)));
  char* rest = nullptr;
  condition.limit = std::strtod(number.c_str(), &rest);
  if (number.empty() || *rest != '\0' || !std::isfinite(condition.limit)) return malformed;
  if (!is_subject(condition.subject))
    return Error("\"" + condition.subject + "\" is none of mean, p50, p90, p99, p99.9, cpu, errors, differences");
  return condition;
}

}  // namespace

Result<std::vector<Condition>> parse_conditions(std::string_view text) {
  std::vector<Condition> conditions;
  while (true) {
    const auto comma = text.find(',');
    auto condition = parse_condition(text.substr(0, comma));
    if (!condition) return condition.error();
    conditions.push_back(std::move(*condition));
    if (comma == std::string_view::npos) return conditions;
    text.remove_prefix(comma + 1);
  }
}

Outcome judge(const Run& run, const Findings& findings, const std::vector<Condition>& conditions) {
  if (!run.blocks.empty() && !findings.is_valid) return Outcome::invalid;
  auto outcome = Outcome::pass;
  for (const auto& condition : conditions) {
    const auto one = judge_one(run, findings, condition);
    if (one == Outcome::fail) return one;
    if (one == Outcome::undecided) outcome = one;
  }
  return outcome;
}

}  // namespace tandem::benchmark
