// An experiment as the tests of this room want it: control "py", candidate "cpp".
#pragma once

#include <chrono>

#include "steering/life.hpp"

namespace tandem::steering {

inline const WallTime kNow{std::chrono::seconds(1'800'000'000)};  // 2027-01-15T08:00:00Z

inline experiment::Settings two_arms(unsigned candidate_bp = 5000) {
  experiment::Settings settings;
  settings.id = settings.salt = settings.route = "fib";
  settings.arms = {{"cpp", candidate_bp}, {"py", 10000 - candidate_bp}};
  settings.control = "py";
  return settings;
}

inline experiment::ScheduleStep step(unsigned weight_bp, std::chrono::minutes min_time = std::chrono::minutes(10),
                                     std::uint64_t min_requests = 1000, bool manual = false) {
  experiment::ScheduleStep one;
  one.weight_bp = weight_bp;
  one.min_time = min_time;
  one.min_requests = min_requests;
  one.manual = manual;
  return one;
}

inline Change change(Action action, std::vector<unsigned> weights_bp = {}) {
  Change one;
  one.action = action;
  one.actor = "somebody";
  one.reason = "a reason";
  one.weights_bp = std::move(weights_bp);
  return one;
}

}  // namespace tandem::steering
