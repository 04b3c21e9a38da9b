#include "steering/write_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "steering/descriptor.hpp"

namespace tandem::steering {

namespace {

int fails(const Fault& fault, WriteStep step) { return fault ? fault(step) : 0; }

// errno of what went wrong, or 0.
int write_new(const std::filesystem::path& path, std::string_view content, const Fault& fault) {
  if (const int number = fails(fault, WriteStep::open)) return number;
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  if (!file) return errno;
  if (const int number = fails(fault, WriteStep::write)) return number;
  if (const int number = write_all(file.get(), content)) return number;
  if (const int number = fails(fault, WriteStep::sync)) return number;
  return ::fsync(file.get()) == 0 ? 0 : errno;
}

int sync_directory(const std::filesystem::path& path, const Fault& fault) {
  if (const int number = fails(fault, WriteStep::sync_directory)) return number;
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno;
  return ::fsync(directory.get()) == 0 ? 0 : errno;
}

}  // namespace

Error system_error(std::string code, const std::string& what, const std::filesystem::path& path, int number) {
  return {std::move(code), what + " " + path.string() + ": " + std::generic_category().message(number)};
}

Result<void> write_file(const std::filesystem::path& path, std::string_view content, const Fault& fault) {
  auto beside = path;
  beside += ".new";
  int number = write_new(beside, content, fault);
  if (number == 0) number = fails(fault, WriteStep::rename);
  if (number == 0 && ::rename(beside.c_str(), path.c_str()) != 0) number = errno;
  if (number != 0) {
    ::unlink(beside.c_str());
    return system_error("state.not_written", "can't write", path, number);
  }
  if ((number = sync_directory(path.parent_path(), fault)) != 0)
    return system_error("state.not_written", "can't synchronise", path.parent_path(), number);
  return {};
}

Result<std::optional<std::string>> read_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::optional<std::string>();
  if (!file) return system_error("state.not_read", "can't read", path, errno);
  std::string content;
  char piece[65536];
  while (true) {
    const auto got = ::read(file.get(), piece, sizeof(piece));
    if (got == 0) return std::optional<std::string>(std::move(content));
    if (got > 0) {
      content.append(piece, static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      return system_error("state.not_read", "can't read", path, errno);
    }
  }
}

}  // namespace tandem::steering
