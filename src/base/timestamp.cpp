#include "base/timestamp.hpp"

#include <cstdio>
#include <ctime>

namespace tandem {

void append_timestamp(std::string& out, std::chrono::system_clock::time_point when) {
  using namespace std::chrono;
  const auto since_epoch = floor<milliseconds>(when.time_since_epoch());
  const auto second = floor<seconds>(since_epoch);
  const auto millisecond = static_cast<unsigned>((since_epoch - second).count());

  // Log lines come in runs of the same second, and breaking one down costs more than the rest of the line.
  thread_local seconds known{-1};
  thread_local char text[32] = {};
  if (second != known) {
    const std::time_t time = second.count();
    std::tm utc{};
    gmtime_r(&time, &utc);
    std::snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02u", unsigned(utc.tm_year + 1900) % 10000,
                  unsigned(utc.tm_mon + 1) % 100, unsigned(utc.tm_mday) % 100, unsigned(utc.tm_hour) % 100,
                  unsigned(utc.tm_min) % 100, unsigned(utc.tm_sec) % 100);
    known = second;
  }
  const char fraction[] = {'.', char('0' + millisecond / 100), char('0' + millisecond / 10 % 10),
                           char('0' + millisecond % 10), 'Z'};
  out.append(text, 19).append(fraction, sizeof(fraction));
}

std::string format_timestamp(std::chrono::system_clock::time_point when) {
  std::string text;
  append_timestamp(text, when);
  return text;
}

}  // namespace tandem
