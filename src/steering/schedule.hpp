// When the next step of a schedule is due: a pure function of where it stands, the time and what was measured
// (experiments.md §5.12). No data is never a pass.
#pragma once

#include <functional>
#include <string>

#include "steering/life.hpp"

namespace tandem::steering {

// What the schedule may go by.
struct RampFacts {
  std::uint64_t requests = 0;  // of the candidates, as Ramp::requests_before counts them
  std::uint64_t windows = 0;   // since the step began, complete, with requests of every arm that has a share
  // Why a requirement is not met, in words; empty: it is.
  std::function<std::string(const experiment::ScheduleStep::Requirement&)> unmet;
};

struct RampDecision {
  enum class Kind : std::uint8_t { wait, advance, hold, done };
  Kind kind = Kind::wait;
  std::string why;                  // what it waits for, or why the step is due
  bool waits_for_approval = false;  // and for nothing else
};

// Of a life that has a ramp. At most one step at a time: the next one is looked at when this one has been taken.
RampDecision decide(const experiment::Settings& settings, const Life& life, const RampFacts& facts, WallTime now);

// The requests since the step began. A count that is smaller than the one it began with (its file was lost) counts from 0.
std::uint64_t requests_in_step(const Ramp& ramp, const RampFacts& facts);

}  // namespace tandem::steering
