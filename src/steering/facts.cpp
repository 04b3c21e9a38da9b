#include "steering/facts.hpp"

#include <algorithm>

namespace tandem::steering {

namespace {

using report::Standing;
using statistics::Direction;

constexpr double kMismatchLimit = 0.01;

std::string unmet_answers(const report::CandidateReport& candidate) {
  if (!candidate.answers || candidate.answers->compared == 0) return "answers of " + candidate.name + " to be compared";
  if (candidate.answers->rate.high > kMismatchLimit)
    return "fewer mismatches of " + candidate.name + ": they may be as many as " +
           std::to_string(candidate.answers->rate.high * 100).substr(0, 5) + " %";
  return {};
}

std::string unmet_effect(const report::CandidateReport& candidate, const report::Effect& effect, bool equivalent) {
  const auto what = std::string(report::name_of(effect.metric)) + " of " + candidate.name;
  if (effect.standing != Standing::judged)
    return "a verdict on " + what + ": " + (effect.why.empty() ? std::string(report::name_of(effect.standing)) : effect.why);
  if (effect.verdict.direction == Direction::worse && !(equivalent && effect.verdict.is_equivalent))
    return what + " is worse";
  if (equivalent && !effect.verdict.is_equivalent)
    return "equivalence of " + what + ": it is " + std::string(effect.verdict.words());
  return {};
}

}  // namespace

std::uint64_t candidate_requests(const experiment::Settings& settings, const report::State& state) {
  const auto control = control_of(settings);
  std::uint64_t requests = state.forgotten.candidate_requests;
  for (const auto& [number, epoch] : state.record.epochs())
    for (const auto& [index, arms] : epoch.windows)
      for (std::size_t arm = 0; arm < arms.size(); ++arm)
        if (arm != control) requests += arms[arm].analysed.requests + arms[arm].rest.requests;
  return requests;
}

std::uint64_t complete_windows(const experiment::Settings& settings, const Life& life, const measure::Record& record,
                               std::int64_t since, std::int64_t now) {
  const auto weights = effective_weights(settings, life);
  std::uint64_t windows = 0;
  for (const auto& [number, epoch] : record.epochs())
    for (const auto& [index, arms] : epoch.windows) {
      const auto begins = index * epoch.window_seconds;
      if (begins < since || begins + epoch.window_seconds > now) continue;
      bool is_complete = true;
      for (std::size_t arm = 0; arm < arms.size(); ++arm)
        if (weights[arm] > 0 && arms[arm].analysed.requests + arms[arm].rest.requests == 0) is_complete = false;
      if (is_complete) ++windows;
    }
  return windows;
}

std::string unmet_requirement(const report::Report& report, const experiment::ScheduleStep::Requirement& requirement) {
  // Time-outs are errors, and have no verdict of their own.
  const auto metric = requirement.metric == "timeouts" ? "errors" : requirement.metric;
  for (const auto& candidate : report.candidates) {
    std::string why;
    if (metric == "mismatch") {
      why = unmet_answers(candidate);
    } else {
      const auto effect = std::find_if(candidate.effects.begin(), candidate.effects.end(),
                                       [&](const report::Effect& one) { return report::name_of(one.metric) == metric; });
      why = effect == candidate.effects.end() ? "a verdict on " + metric + " of " + candidate.name
                                              : unmet_effect(candidate, *effect, requirement.equivalent);
    }
    if (!why.empty()) return why;
  }
  return {};
}

Passing passing_of(const report::Report& report) {
  Passing passing{Pass::yes, "no metric is worse"};
  for (const auto& candidate : report.candidates) {
    if (candidate.standing != Standing::judged)
      passing = {Pass::undecided,
                 candidate.name + ": " +
                     (candidate.why.empty() ? std::string(report::name_of(candidate.standing)) : candidate.why)};
    for (const auto& effect : candidate.effects) {
      if (effect.standing == Standing::judged && effect.verdict.direction == Direction::worse &&
          !effect.verdict.is_equivalent)
        return {Pass::no, std::string(report::name_of(effect.metric)) + " of " + candidate.name + " is worse"};
    }
  }
  if (report.candidates.empty()) return {Pass::undecided, "there is no candidate"};
  return passing;
}

Passing gate_of(const experiment::Settings& settings, const Life& life, const std::vector<std::string>& fired,
                const std::optional<RampDecision>& ramp, const report::Report& report) {
  using experiment::State;
  if (life.state == State::rolled_back) return {Pass::no, "rolled back: " + life.reason};
  if (life.state == State::concluded && life.weights_bp[control_of(settings)] == experiment::kBuckets)
    return {Pass::no, "concluded, with everything for control: " + life.reason};
  if (life.state == State::concluded) return {Pass::yes, "concluded: " + life.reason};
  if (!fired.empty()) return {Pass::no, fired.front()};
  const auto verdicts = passing_of(report);
  if (verdicts.pass == Pass::no) return verdicts;
  if (life.state != State::running) return {Pass::undecided, "it is " + std::string(experiment::format_state(life.state))};
  if (!ramp) return verdicts;
  if (ramp->kind == RampDecision::Kind::done) return {Pass::yes, "all steps of the schedule were taken"};
  if (ramp->waits_for_approval && life.ramp->taken > 0)
    return {Pass::yes, "the step that runs has all that it asks for; the next one waits for an approval"};
  return {Pass::undecided, ramp->kind == RampDecision::Kind::wait ? "waits for " + ramp->why : ramp->why};
}

}  // namespace tandem::steering
