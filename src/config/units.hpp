// Durations ("250ms", "30s", "5m", "1h") and sizes ("512B", "64KiB", "1MiB", "1GiB") as the config file writes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace tandem::config {

// Whole numbers with a unit, and "0". Errors say what was expected.
Result<Milliseconds> parse_duration(std::string_view text);

// Whole numbers with a unit; without one: bytes.
Result<std::uint64_t> parse_size(std::string_view text);

// The largest unit that loses nothing: "30s", "1MiB". parse_x(format_x(value)) is the value again.
std::string format_duration(Milliseconds duration);
std::string format_size(std::uint64_t bytes);

}  // namespace tandem::config
