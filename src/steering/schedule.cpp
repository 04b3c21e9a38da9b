#include "steering/schedule.hpp"

#include <algorithm>

#include "base/timestamp.hpp"

namespace tandem::steering {

namespace {

using Kind = RampDecision::Kind;

std::string format_seconds(std::chrono::milliseconds time) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) + " s";
}

std::string describe_step(const experiment::Settings& settings, std::size_t index) {
  return "step " + std::to_string(index + 1) + " of " + std::to_string(settings.schedule.size());
}

// Why the step that runs has to go on; empty: it has run its course.
std::string unfinished(const experiment::ScheduleStep& step, const Ramp& ramp, const RampFacts& facts, WallTime now) {
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - ramp.began);
  if (elapsed < step.min_time) return format_seconds(step.min_time - elapsed) + " of its time to pass";
  const auto requests = requests_in_step(ramp, facts);
  if (requests == 0) return "requests of the candidate: there were none since " + format_timestamp(ramp.began);
  if (requests < step.min_requests)
    return "more requests of the candidate: " + std::to_string(requests) + " of " + std::to_string(step.min_requests);
  if (facts.windows < step.min_windows)
    return "more windows with requests of all arms: " + std::to_string(facts.windows) + " of " +
           std::to_string(step.min_windows);
  for (const auto& requirement : step.require)
    if (auto why = facts.unmet(requirement); !why.empty()) return why;
  return {};
}

}  // namespace

std::uint64_t requests_in_step(const Ramp& ramp, const RampFacts& facts) {
  return facts.requests >= ramp.requests_before ? facts.requests - ramp.requests_before : facts.requests;
}

RampDecision decide(const experiment::Settings& settings, const Life& life, const RampFacts& facts, WallTime now) {
  const auto& ramp = *life.ramp;
  const auto& steps = settings.schedule;
  if (ramp.taken >= steps.size()) return {Kind::done, "all steps were taken"};
  if (life.state != experiment::State::running)
    return {Kind::wait, "the experiment to run: it is " + std::string(experiment::format_state(life.state))};
  if (!life.held.empty()) return {Kind::wait, life.held};
  if (settings.not_after && now > *settings.not_after)
    return {Kind::hold, "the schedule was to end by " + format_timestamp(*settings.not_after) + " and has not"};
  if (ramp.taken > 0)
    if (auto why = unfinished(steps[ramp.taken - 1], ramp, facts, now); !why.empty()) return {Kind::wait, why};
  if (steps[ramp.taken].manual && !ramp.approved)
    return {Kind::wait, "an approval of " + describe_step(settings, ramp.taken), true};
  auto why = describe_step(settings, ramp.taken) + " is due";
  if (ramp.taken > 0)
    why += ": " + std::to_string(requests_in_step(ramp, facts)) + " requests of the candidate since " +
           format_timestamp(ramp.began);
  return {Kind::advance, why};
}

}  // namespace tandem::steering
