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

std::optional<std::chrono::system_clock::time_point> parse_timestamp(std::string_view text) {
  using namespace std::chrono;
  int year = 0;
  unsigned month = 0, day_of_month = 0, hour = 0, minute = 0, second = 0;
  int length = 0;
  const std::string whole(text);
  if (std::sscanf(whole.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u%n", &year, &month, &day_of_month, &hour, &minute, &second,
                  &length) != 6 ||
      length != 19)
    return std::nullopt;
  const year_month_day date{std::chrono::year(year), std::chrono::month(month), day(day_of_month)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  auto rest = text.substr(19);
  milliseconds fraction{0};
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    int unit = 100;
    std::size_t digits = 0;
    for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9'; ++digits, unit /= 10)
      fraction += milliseconds(unit * (rest[digits] - '0'));
    if (digits == 0) return std::nullopt;
    rest.remove_prefix(digits);
  }
  if (rest != "Z") return std::nullopt;
  return sys_days(date) + hours(hour) + minutes(minute) + seconds(second) + fraction;
}

}  // namespace tandem
