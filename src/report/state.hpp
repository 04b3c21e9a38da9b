// All that is known of one experiment, as it is saved, sent to whoever asks, and judged: what it is, what it has counted,
// what its comparisons have found, what happened to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "comparison/tally.hpp"
#include "measure/record.hpp"

namespace tandem::report {

struct ArmIdentity {
  std::string name;
  std::string backend;     // "native", "python", "asgi", "wsgi"
  unsigned weight_bp = 0;  // now

  bool operator==(const ArmIdentity&) const = default;
};

// What a verdict needs (experiments.md §5.10).
struct Demands {
  unsigned planned_windows = 180;
  unsigned min_windows = 30;
  std::int64_t min_seconds = 300;
  double margin = 0.05;  // of "equivalent": means and CPU
  double quantile_margin = 0.10;
  double alpha = 0.05;  // over all metrics and candidates

  bool operator==(const Demands&) const = default;
};

struct Event {
  std::int64_t unix_ms = 0;
  std::string text;  // "weights cpp 5 %, py 95 %"

  auto operator<=>(const Event&) const = default;
};

// A border that somebody watches, so that pictures can show it.
struct Guardrail {
  std::string metric;  // "p99", "mean", "errors", …
  double margin = 0;
  std::string action;  // "rollback", "hold", "warn"

  bool operator==(const Guardrail&) const = default;
};

// What is no longer kept, the oldest.
struct Forgotten {
  std::uint64_t epochs = 0;
  std::uint64_t candidate_requests = 0;  // of those
  std::uint64_t events = 0;

  bool operator==(const Forgotten&) const = default;
};

struct State {
  static constexpr int kSchema = 1;
  // Whatever happens to an experiment, its state is written every ten seconds and read by people.
  static constexpr std::size_t kMaxEvents = 1000;
  static constexpr std::size_t kMaxEpochs = 32;

  std::string experiment;
  std::string route;
  std::string salt;
  std::string state;   // "running", "rolled_back", …
  std::string assign;  // "sticky", "request", "switchback"
  std::uint64_t revision = 0;
  std::vector<ArmIdentity> arms;  // in the order of the record's
  std::size_t control = 0;
  bool is_matched = true;  // compared: the mirror image of the candidate; else all of control
  Demands demands;
  std::int64_t verified_since = 0;  // Unix seconds; since then shadows have run in every other window only; 0: they don't
  measure::Record record;
  // Of answers, by candidate: one set of rules, one stretch that is judged. Another of either begins them anew.
  std::map<std::string, comparison::Tally> comparisons;
  std::string rules;                // a hash of those; empty: not known
  std::uint32_t answers_since = 0;  // the epoch from which on they are judged; 0: not known
  std::vector<Event> events;        // by time
  Forgotten forgotten;
  std::vector<Guardrail> guardrails;
  std::vector<std::string> drift;  // in what the merged replicas were not configured alike

  // Adds what another replica, or an earlier time, has counted. What it was configured otherwise is noted in `drift`. An
  // error, and nothing changed, if it is of another experiment or of other arms.
  Result<void> merge(const State& other);

  // Forgets the oldest events and epochs beyond the maxima.
  void keep_bounded();
};

// One line of JSON; equal states are equal texts.
std::string to_json(const State& state);
// Strict: errors name what is wrong with it.
Result<State> parse_state(std::string_view text);

}  // namespace tandem::report
