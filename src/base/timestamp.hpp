// Wall time as the logs and the admin side write it.
#pragma once

#include <chrono>
#include <string>

namespace tandem {

// Appends "2026-11-23T10:00:00.123Z" (RFC 3339, UTC). Thread: any.
void append_timestamp(std::string& out, std::chrono::system_clock::time_point when);

std::string format_timestamp(std::chrono::system_clock::time_point when);

}  // namespace tandem
