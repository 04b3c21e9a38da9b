// What a schedule and a gate want to know of what was measured: pure functions of an experiment's state.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/report.hpp"
#include "steering/schedule.hpp"

namespace tandem::steering {

// Requests of all candidates in all epochs, also those that are forgotten, as Ramp::requests_before counts them.
std::uint64_t candidate_requests(const experiment::Settings& settings, const report::State& state);

// Windows that began at `since` or later, have ended by `now` (Unix seconds), and have requests of every arm with a share.
std::uint64_t complete_windows(const experiment::Settings& settings, const Life& life, const measure::Record& record,
                               std::int64_t since, std::int64_t now);

// Why a requirement of a schedule is not met, in words; empty: it is, for every candidate. No verdict meets none.
std::string unmet_requirement(const report::Report& report, const experiment::ScheduleStep::Requirement& requirement);

// Does the report let the candidates pass, as far as it can tell?
enum class Pass : std::uint8_t { yes, no, undecided };
struct Passing {
  Pass pass = Pass::undecided;
  std::string why;
};
Passing passing_of(const report::Report& report);

// May whoever waits for the experiment go on? `fired`: guardrails that act and have fired, in words. `ramp`: of a life that
// has one, where its schedule stands.
Passing gate_of(const experiment::Settings& settings, const Life& life, const std::vector<std::string>& fired,
                const std::optional<RampDecision>& ramp, const report::Report& report);

}  // namespace tandem::steering
