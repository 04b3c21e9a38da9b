// Is a candidate so much worse that somebody has to act? Pure functions of what was counted, by statistics that hold at
// every look (experiments.md §5.11). All of control is compared with, not only the part that the report compares.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "comparison/tally.hpp"
#include "experiment/settings.hpp"
#include "measure/record.hpp"
#include "steering/audit_log.hpp"

namespace tandem::steering {

struct Scope {
  std::uint32_t from_epoch = 1;     // no earlier one counts
  std::int64_t shares_since = 0;    // Unix seconds: times are compared within one split of the traffic only
  std::uint32_t shares_number = 1;  // of the splits since `from_epoch`: each is judged anew, and they share α
  bool with_windows = true;         // also those that are looked at when a window has ended; else event counts alone
  std::int64_t now = 0;             // Unix seconds: windows that have not ended are no terms of a variance
};

// When the weights became what they are, for somebody who looks time and again while the wall clock may be set back: what is
// measured after that counts, not only what is once the clock has caught up.
class SharesSince {
 public:
  // Unix seconds.
  std::int64_t at(std::int64_t shares_since, std::int64_t now);

 private:
  std::int64_t of_ = 0;
  std::int64_t since_ = 0;
};

struct Judgement {
  std::size_t guardrail = 0;  // index among the settings'
  std::size_t arm = 0;        // the candidate
  bool has_fired = false;
  std::string why;  // in words, of one that has fired
  Json evidence;    // the counts and bounds that it goes by
  double ln_e = 0;  // of those that have an e-value
};

// One for each guardrail and candidate that there is data for.
// `comparisons`: of answers, by candidate: those that count, whatever their epoch (State::comparisons).
std::vector<Judgement> judge(const experiment::Settings& settings, const measure::Record& record,
                             const std::map<std::string, comparison::Tally>& comparisons, const Scope& scope);

// "errors", "p99", "mean", "cpu", …
std::string format_guardrail(const experiment::GuardrailSettings& guardrail);
// "rollback", "hold", "warn".
std::string format_action(experiment::GuardrailSettings::Action action);

// α of one guardrail and candidate: its own, else an equal part of what the others leave of 0.01; each further candidate
// divides it again.
double guardrail_alpha(const experiment::Settings& settings, std::size_t guardrail);
// The part of α that the n-th beginning of a statistic has (from 1): α/2, α/6, α/12, …, α together, however many there are.
double alpha_of_beginning(double alpha, std::uint32_t number);

}  // namespace tandem::steering
