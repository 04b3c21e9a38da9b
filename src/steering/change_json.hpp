// What clients of the admin side send to change an experiment, and what they are told (docs/experiments.md has the fields).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "experiment/layout.hpp"
#include "steering/audit_log.hpp"
#include "steering/life.hpp"

namespace tandem::steering {

// The change that the body of a request orders; `action` is "put" or the word of an Action that people may take. Errors:
// "experiment.bad_body", "experiment.bad_weights".
Result<Change> parse_change(const experiment::Settings& settings, const Life& life, std::string_view action,
                            std::string_view body);

// `"7"` of If-Match; nullopt for "" and "*". Errors: "experiment.bad_body".
Result<std::optional<std::uint64_t>> parse_if_match(std::string_view field);

// What a change would do: buckets moved from arm to arm, whether the statistics begin anew, what to think of before.
Json preview_json(const experiment::Settings& settings, const Life& before, const Life& after);

// Who owns which buckets, with what they get of the traffic.
Json arms_json(const experiment::Settings& settings, const Life& life);

// The schedule's steps and where it stands; null without one.
Json schedule_json(const experiment::Settings& settings, const Life& life, const std::string& waiting_for);

}  // namespace tandem::steering
