// state_dir: what experiments keep across restarts, and the log of their changes. A directory that can't be had, or a file
// in it that can't be read, is an error in words; the server goes on without.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "steering/audit_log.hpp"
#include "steering/write_file.hpp"

namespace tandem::steering {

// Thread: its owner's.
class StateDirectory {
 public:
  // Makes the directory where it is missing, and keeps other servers out of it until it is closed. Errors
  // ("state.no_directory"): it can't be made or written, another server uses it.
  static Result<StateDirectory> open(const std::filesystem::path& path, Fault fault = {});

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path audit_path() const { return path_ / "audit.jsonl"; }

  // experiments/<id><suffix>, such as ".json" and ".state.json".
  std::filesystem::path file_of(std::string_view id, std::string_view suffix) const;
  Result<std::optional<std::string>> load(std::string_view id, std::string_view suffix) const;
  Result<void> save(std::string_view id, std::string_view suffix, std::string_view content) const;
  // Moves a file that can't be understood out of the way, for a person to look at; returns where it is now.
  Result<std::filesystem::path> set_aside(std::string_view id, std::string_view suffix) const;

  Result<void> append(const AuditEntry& entry) { return audit_->append(entry); }
  Result<std::uint64_t> last_revision(std::string_view experiment) const { return audit_->last_revision(experiment); }

 private:
  StateDirectory() = default;

  std::filesystem::path path_;
  Descriptor lock_;
  std::optional<AuditLog> audit_;
  Fault fault_;
};

// Where there is nothing said about state_dir: /var/lib/tandem if it can be written, else ./state.
Result<StateDirectory> open_state_directory(const std::filesystem::path& path, Fault fault = {});

}  // namespace tandem::steering
