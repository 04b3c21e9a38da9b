// Files that a crash can't leave half written: there is what was there before, or what was to be written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::steering {

// The steps of writing, in their order.
enum class WriteStep : std::uint8_t { open, write, sync, rename, sync_directory };

// Asked before each step: an errno, as if the step had failed so, or 0. Empty: all steps are taken. For tests.
using Fault = std::function<int(WriteStep)>;

// Writes a file beside `path`, synchronises it, renames it to `path` and synchronises the directory. Errors
// ("state.not_written") name the file and the system's reason; the old content is still there, unless the directory alone
// could not be synchronised: then it may come back after a power cut.
Result<void> write_file(const std::filesystem::path& path, std::string_view content, const Fault& fault = {});

// Nothing where there is no such file. Errors: "state.not_read".
Result<std::optional<std::string>> read_file(const std::filesystem::path& path);

// The system's words for an errno, after what was being done: "can't write /x/y: No space left on device".
Error system_error(std::string code, const std::string& what, const std::filesystem::path& path, int number);

}  // namespace tandem::steering
