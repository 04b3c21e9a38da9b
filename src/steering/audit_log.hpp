// audit.jsonl: one line of JSON for each change of an experiment. Each line holds the SHA-256 of the line before it, so that
// a line that was altered, taken out or put in is found.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "steering/descriptor.hpp"
#include "steering/write_file.hpp"

namespace tandem::steering {

using Json = nlohmann::ordered_json;
using WallTime = std::chrono::system_clock::time_point;

struct AuditEntry {
  WallTime at{};
  std::string actor;  // "127.0.0.1, with the admin token", "file", "schedule", "guardrail errors"
  std::string experiment;
  std::string action;      // "weights", "rollback", …
  std::uint64_t from = 0;  // revision
  std::uint64_t to = 0;
  Json patch = Json::object();  // JSON merge patch (RFC 7396) of what changed
  std::string reason;
  Json evidence;  // of an automatic change; else null
};

// Thread: its owner's.
class AuditLog {
 public:
  // Opens or makes the file. What a crash left of a last line, without its end, is cut off and said so in the log. Errors:
  // "state.not_written".
  static Result<AuditLog> open(const std::filesystem::path& path, Fault fault = {});

  // Appends and synchronises. On failure ("state.not_written") the file is as it was.
  Result<void> append(const AuditEntry& entry);

  // `to` of the newest entry of that experiment; 0: there is none. Errors: "state.not_read".
  Result<std::uint64_t> last_revision(std::string_view experiment) const;

 private:
  AuditLog() = default;

  std::filesystem::path path_;
  Descriptor file_;
  std::string last_hash_;
  Fault fault_;
};

struct AuditSummary {
  std::uint64_t lines = 0;
  std::string last_hash;  // of the last line: who keeps it elsewhere can tell that no line at the end was taken away
};

// Follows the chain through the lines of a whole log. Errors ("audit.broken") name the first line that does not fit.
Result<AuditSummary> verify_audit(std::string_view lines);

// The hash that a first line holds: 64 zeros.
std::string first_audit_hash();
}  // namespace tandem::steering
