// Wall time as the logs and the admin side write it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tandem {

// Appends "2026-11-23T10:00:00.123Z" (RFC 3339, UTC). Thread: any.
void append_timestamp(std::string& out, std::chrono::system_clock::time_point when);

std::string format_timestamp(std::chrono::system_clock::time_point when);

// "2026-11-23T10:00:00Z", with or without a fraction of the second; only UTC. nullopt for anything else.
std::optional<std::chrono::system_clock::time_point> parse_timestamp(std::string_view text);

}  // namespace tandem
