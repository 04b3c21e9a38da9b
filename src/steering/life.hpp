// What changes of an experiment while it runs, and which changes there are: pure functions of values (experiments.md §5.1,
// §5.3, §5.13).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "experiment/layout.hpp"
#include "experiment/settings.hpp"

namespace tandem::steering {

using WallTime = std::chrono::system_clock::time_point;

// Where a schedule stands. Times are absolute, so that a restart goes on with it.
struct Ramp {
  std::size_t taken = 0;              // steps taken; the last of them runs. 0: the first one waits for its approval
  WallTime began{};                   // of the step that runs
  bool approved = false;              // the next step may be taken, if it is one that waits for that
  std::uint64_t requests_before = 0;  // of the candidates, when the step began

  friend bool operator==(const Ramp&, const Ramp&) = default;
};

struct Life {
  std::uint64_t revision = 1;     // one more with each change
  std::uint32_t epoch = 1;        // one more with each change that the statistics may not be pooled over
  std::uint32_t judged_from = 1;  // guardrails look at no earlier epoch
  experiment::State state = experiment::State::running;
  std::vector<unsigned> weights_bp;       // by arm; the sum is 10000. They count while it is running or concluded
  std::vector<experiment::Range> ranges;  // not empty: who owns which buckets, with the weights as they come of it
  std::optional<Ramp> ramp;               // none: no schedule
  std::string held;                       // why the schedule stands still; empty: it goes on
  WallTime shares_since{};                // when the weights became what they are
  std::uint32_t shares_number = 1;        // of the different weights since `judged_from`, these included
  std::string updated_by;
  std::string reason;
  WallTime updated_at{};

  friend bool operator==(const Life&, const Life&) = default;
};

// Who changes what nobody asked for.
inline constexpr std::string_view kFileActor = "file";
inline constexpr std::string_view kScheduleActor = "schedule";

enum class Action : std::uint8_t { start, pause, resume, rollback, conclude, advance, approve, weights, hold };

std::string_view format_action(Action action);
std::optional<Action> parse_action(std::string_view word);
std::optional<experiment::State> parse_state(std::string_view word);

struct Change {
  Action action = Action::weights;
  std::string actor;
  std::string reason;                          // no change without
  std::vector<unsigned> weights_bp{};          // of `weights`: by arm
  std::vector<experiment::Range> ranges{};     // of `weights`: instead of them
  std::optional<std::size_t> arm{};            // of `conclude`: who gets everything; none: the shares stay
  std::optional<std::uint64_t> if_revision{};  // only if it is still at this one
  std::uint64_t requests = 0;                  // of the candidates so far
};

// Life at first sight: as the file says, from the first step of the schedule, if there is one.
Life begin_life(const experiment::Settings& settings, WallTime now);

// The life after the change. Errors, for whoever asked for it: "experiment.no_reason", "experiment.conflict",
// "experiment.wrong_state", "experiment.bad_weights".
Result<Life> apply(const experiment::Settings& settings, const Life& life, const Change& change, WallTime now);

// The arms in the file, their shares, the salt or control are others than when it was last read: its weights count, from the
// first step of the schedule. The state stays, since only an explicit call leaves it.
Life apply_new_arms(const experiment::Settings& settings, const Life& life, WallTime now);

// The schedule in the file is another: the weights stay, and it goes on after its last step that is not above them.
Life apply_new_schedule(const experiment::Settings& settings, const Life& life, WallTime now, std::uint64_t requests);

// What the arms get of the traffic: control everything, unless the experiment is running or concluded.
std::vector<unsigned> effective_weights(const experiment::Settings& settings, const Life& life);

// Does a candidate get more traffic than before?
bool raises_candidate(const experiment::Settings& settings, const Life& before, const Life& after);

// Index of control among the arms.
std::size_t control_of(const experiment::Settings& settings);

// Seconds of a round of a switchback, in which each arm with weight has one block: as long are the windows of its
// statistics. 0: it is none.
std::int64_t round_seconds(const experiment::Settings& settings, const Life& life);

// The layout that a life means.
std::shared_ptr<experiment::Layout> layout_of(const experiment::Settings& settings, const Life& life);

// All to control.
std::vector<unsigned> control_only(const experiment::Settings& settings);

// `weight_bp` for the candidates together, in the proportion of the file's weights (equal parts where the file gives them
// nothing), the rest for control.
std::vector<unsigned> spread(const experiment::Settings& settings, unsigned weight_bp);

// "cpp 5 %, py 95 %"
std::string describe_weights(const experiment::Settings& settings, const std::vector<unsigned>& weights_bp);

}  // namespace tandem::steering
