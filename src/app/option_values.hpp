// What options of several commands have for values. Errors name the option and say what was expected.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/net_options.hpp"

namespace tandem::app {

// Where commands look for a running server's admin side.
inline constexpr const char* kDefaultAdmin = "http://127.0.0.1:9090";

Result<net::ListenOptions> parse_address(const std::string& option, const std::string& text);

// 1 to 1024, or "auto": the CPUs this process may use.
Result<unsigned> parse_count(const std::string& option, const std::string& text);

Result<std::uint64_t> parse_number(const std::string& option, const std::string& text, std::uint64_t min, std::uint64_t max);

// "30", "2.5" and "0.2s" are seconds; "250ms", "5m" as in the config file.
Result<Milliseconds> parse_seconds(const std::string& option, const std::string& text);

// A level of the log by its own name; "warning" is "warn" to many.
Result<std::string> parse_level(const std::string& option, const std::string& text);

}  // namespace tandem::app
