// The one place that sets up the server's log. Everybody else writes to the logger it was given, or to log().
#pragma once

#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <string_view>

namespace tandem {

enum class LogStyle { text, json };

struct LogOptions {
  std::string level = "info";  // trace, debug, info, warn, error, critical, off
  LogStyle style = LogStyle::text;
  std::string file;  // empty: standard error, in colour on a terminal
};

// Replaces the process's logger. Throws spdlog::spdlog_ex when the file can't be opened. Thread: main, before others exist.
void set_up_log(const LogOptions& options);

// Opens the log file again after it was moved away (SIGUSR1). Nothing on standard error.
void reopen_log();

// Thread: any.
inline spdlog::logger& log() { return *spdlog::default_logger_raw(); }

// Writes complete lines past the formatter, between the logger's own lines: the access log. Thread: any.
void write_log_lines(std::string_view lines);

// Adds "\u001b"-safe JSON escapes: what stands between the quotes of a JSON string.
std::string json_escaped(std::string_view text);

}  // namespace tandem
