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
  std::uint32_t from_epoch = 1;    // no earlier one counts
  std::int64_t weights_since = 0;  // Unix seconds of the last change of weights: times are compared within one split only
  bool with_windows = true;        // also those that are looked at when a window has ended; else event counts alone
  std::int64_t now = 0;            // Unix seconds: windows that have not ended are no terms of a variance
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
// `comparisons`: of answers, by candidate; of the whole experiment, since they are not kept by epoch.
std::vector<Judgement> judge(const experiment::Settings& settings, const measure::Record& record,
                             const std::map<std::string, comparison::Tally>& comparisons, const Scope& scope);

// "errors", "p99", "mean", "cpu", …
std::string format_guardrail(const experiment::GuardrailSettings& guardrail);
// "rollback", "hold", "warn".
std::string format_action(experiment::GuardrailSettings::Action action);

// α of one guardrail and candidate: its own, else an equal part of what the others leave of 0.01; each further candidate
// divides it again.
double guardrail_alpha(const experiment::Settings& settings, std::size_t guardrail);

}  // namespace tandem::steering
