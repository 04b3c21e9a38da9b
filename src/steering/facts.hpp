// What a schedule and a gate want to know of what was measured: pure functions of an experiment's state.
#pragma once

#include <string>

#include "report/report.hpp"
#include "steering/schedule.hpp"

namespace tandem::steering {

// Requests of all candidates in all epochs, as Ramp::requests_before counts them.
std::uint64_t candidate_requests(const experiment::Settings& settings, const measure::Record& record);

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

}  // namespace tandem::steering
