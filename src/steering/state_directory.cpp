#include "steering/state_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/log.hpp"

namespace tandem::steering {

namespace {

constexpr const char* kDefault = "/var/lib/tandem";
constexpr const char* kCode = "state.no_directory";

// An id as a file's name: letters, digits, '-' and '_' stand for themselves, a dot within too; all else as in a URL.
std::string file_name(std::string_view id) {
  std::string name;
  for (const char c : id) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || (c == '.' && !name.empty());
    if (is_plain) {
      name += c;
    } else {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      ((name += '%') += kHex[byte >> 4]) += kHex[byte & 15];
    }
  }
  return name;
}

}  // namespace

Result<StateDirectory> StateDirectory::open(const std::filesystem::path& path, Fault fault) {
  StateDirectory directory;
  directory.path_ = path;
  directory.fault_ = fault;
  std::error_code error;
  std::filesystem::create_directories(path / "experiments", error);
  if (error) return Error(kCode, "can't make " + (path / "experiments").string() + ": " + error.message());
  const auto lock = path / "lock";
  directory.lock_ = Descriptor(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (!directory.lock_) return system_error(kCode, "can't open", lock, errno);
  if (::flock(directory.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Error(kCode, "another server uses " + path.string());
    return system_error(kCode, "can't lock", lock, errno);
  }
  auto audit = AuditLog::open(directory.audit_path(), std::move(fault));
  if (!audit) return Error(kCode, audit.error().message);
  directory.audit_.emplace(std::move(*audit));
  return directory;
}

std::filesystem::path StateDirectory::file_of(std::string_view id, std::string_view suffix) const {
  return path_ / "experiments" / (file_name(id) + std::string(suffix));
}

Result<std::optional<std::string>> StateDirectory::load(std::string_view id, std::string_view suffix) const {
  return read_file(file_of(id, suffix));
}

Result<void> StateDirectory::save(std::string_view id, std::string_view suffix, std::string_view content) const {
  return write_file(file_of(id, suffix), content, fault_);
}

Result<std::filesystem::path> StateDirectory::set_aside(std::string_view id, std::string_view suffix) const {
  const auto file = file_of(id, suffix);
  auto aside = file;
  aside += ".unreadable";
  if (::rename(file.c_str(), aside.c_str()) != 0) return system_error("state.not_written", "can't move", file, errno);
  return aside;
}

Result<StateDirectory> open_state_directory(const std::filesystem::path& path, Fault fault) {
  auto directory = StateDirectory::open(path, fault);
  if (directory || path != kDefault) return directory;
  auto here = StateDirectory::open(std::filesystem::absolute("state"), std::move(fault));
  if (!here) return directory;
  log().info("{}: state is kept in {}", directory.error().message, here->path().string());
  return here;
}

}  // namespace tandem::steering
