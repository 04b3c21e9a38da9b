// experiments/<id>.json in state_dir: an experiment's life, and what the config said when it was last read, since that
// decides whether the saved weights win over the file's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "steering/audit_log.hpp"
#include "steering/life.hpp"

namespace tandem::steering {

struct SavedLife {
  Life life;  // weights in the order of `arms`
  // Of the config:
  std::vector<experiment::ArmShare> arms;
  std::string control;
  std::string salt;
  std::string schedule;  // a hash of it
};

SavedLife save_life(const experiment::Settings& settings, Life life);

Json saved_life_json(const experiment::Settings& settings, const SavedLife& saved);
// Errors ("state.not_read"): the text is no saved life.
Result<SavedLife> parse_saved_life(std::string_view text);

// Of the rules that answers are compared by: what was found by other rules says nothing about these.
std::string rules_hash(const comparison::Settings& rules);

// Are arms, control and salt the same, so that what was measured before belongs to it?
bool is_same_experiment(const experiment::Settings& settings, const SavedLife& saved);

// What an experiment begins with at the start of the server or after a reload.
struct Adoption {
  Life life;
  bool is_changed = false;  // it is another revision than was saved, by the config
  std::string note;         // for the log: what was taken where the file and the saved state differ; may be empty
};

// `requests`: of the candidates so far, of the same experiment.
Adoption adoption_of(const experiment::Settings& settings, const std::optional<SavedLife>& saved, WallTime now,
                     std::uint64_t requests);

// What cannot be read may have been a rollback: control serves until somebody has looked.
Adoption adopt_unreadable(const experiment::Settings& settings, WallTime now);

// The parts of a life that people see and the audit log's patches are made from.
Json life_json(const experiment::Settings& settings, const Life& life);

// What of `before` changes into `after`, as a JSON merge patch (RFC 7396).
Json merge_patch(const Json& before, const Json& after);

}  // namespace tandem::steering
