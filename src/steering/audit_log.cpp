#include "steering/audit_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/hmac.hpp"
#include "base/log.hpp"
#include "base/timestamp.hpp"

namespace tandem::steering {

namespace {

constexpr std::string_view kCode = "state.not_written";

// The lines of `text` that have an end.
std::string_view complete_lines(std::string_view text) { return text.substr(0, text.rfind('\n') + 1); }

std::string_view last_line(std::string_view lines) {
  lines.remove_suffix(1);
  return lines.substr(lines.rfind('\n') + 1);
}

std::string line_of(const AuditEntry& entry, const std::string& hash_before) {
  Json line{{"at", format_timestamp(entry.at)},
            {"actor", entry.actor},
            {"experiment", entry.experiment},
            {"action", entry.action},
            {"from", entry.from},
            {"to", entry.to},
            {"patch", entry.patch},
            {"reason", entry.reason}};
  if (!entry.evidence.is_null()) line["evidence"] = entry.evidence;
  line["previous"] = hash_before;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string first_audit_hash() { return std::string(64, '0'); }

Result<AuditLog> AuditLog::open(const std::filesystem::path& path, Fault fault) {
  AuditLog audit;
  audit.path_ = path;
  audit.fault_ = std::move(fault);
  audit.last_hash_ = first_audit_hash();
  audit.file_ = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!audit.file_) return system_error(std::string(kCode), "can't open", path, errno);
  auto content = read_file(path);
  if (!content) return Error(std::string(kCode), content.error().message);
  const std::string_view text = content->has_value() ? std::string_view(**content) : std::string_view();
  const auto lines = complete_lines(text);
  if (lines.size() != text.size()) {
    if (::ftruncate(audit.file_.get(), static_cast<off_t>(lines.size())) != 0)
      return system_error(std::string(kCode), "can't mend", path, errno);
    log().warn("{}: its last line had no end (a crash while it was written): cut off {} bytes", path.string(),
               text.size() - lines.size());
  }
  if (!lines.empty()) audit.last_hash_ = format_digest(sha256(last_line(lines)));
  return audit;
}

Result<void> AuditLog::append(const AuditEntry& entry) {
  const auto line = line_of(entry, last_hash_);
  const auto length_before = ::lseek(file_.get(), 0, SEEK_END);
  int number = fault_ ? fault_(WriteStep::write) : 0;
  if (number == 0) number = write_all(file_.get(), line + "\n");
  if (number == 0 && fault_) number = fault_(WriteStep::sync);
  if (number == 0 && ::fdatasync(file_.get()) != 0) number = errno;
  if (number == 0) {
    last_hash_ = format_digest(sha256(line));
    return {};
  }
  // A later line must not continue half of this one.
  if (::ftruncate(file_.get(), length_before) != 0) log().error("{}: can't take back half a line", path_.string());
  return system_error(std::string(kCode), "can't append to", path_, number);
}

Result<std::uint64_t> AuditLog::last_revision(std::string_view experiment) const {
  const auto content = read_file(path_);
  if (!content) return content.error();
  auto lines = complete_lines(content->has_value() ? std::string_view(**content) : std::string_view());
  while (!lines.empty()) {
    const auto line = last_line(lines);
    lines.remove_suffix(line.size() + 1);
    const auto entry = Json::parse(line, nullptr, false);
    if (!entry.is_object() || entry.value("experiment", Json()) != experiment) continue;
    if (const auto to = entry.find("to"); to != entry.end() && to->is_number_unsigned()) return to->get<std::uint64_t>();
  }
  return std::uint64_t{0};
}

Result<AuditSummary> verify_audit(std::string_view lines) {
  AuditSummary summary;
  summary.last_hash = first_audit_hash();
  while (!lines.empty()) {
    ++summary.lines;
    const auto broken = [&summary](const std::string& why) {
      return Error("audit.broken", "line " + std::to_string(summary.lines) + " " + why);
    };
    const auto end = lines.find('\n');
    if (end == std::string_view::npos) return broken("has no end");
    const auto line = lines.substr(0, end);
    lines.remove_prefix(end + 1);
    const auto entry = Json::parse(line, nullptr, false);
    if (!entry.is_object() || !entry.contains("previous") || !entry["previous"].is_string())
      return broken("is no entry of an audit log");
    if (entry["previous"] != summary.last_hash)
      return broken("does not follow the line before it: one of the two was altered, or a line between them is gone");
    summary.last_hash = format_digest(sha256(line));
  }
  return summary;
}

}  // namespace tandem::steering
