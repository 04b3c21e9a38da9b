#include "report/axis.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <iterator>

namespace tandem::report::charts {

double LogAxis::at(double value) const {
  const double share = std::log(std::clamp(value, low, high) / low) / std::log(high / low);
  return from + (to - from) * share;
}

std::vector<double> ticks(const LogAxis& axis, double gap) {
  // In the order in which they get room.
  static constexpr double kMantissas[] = {1, 5, 2, 3, 1.5, 7, 8, 9, 1.1, 1.2, 4, 6, 1.3, 9.5, 1.05, 1.02, 9.8, 1.01, 9.9};
  const auto lowest = static_cast<int>(std::floor(std::log10(axis.low)));
  const auto highest = static_cast<int>(std::ceil(std::log10(axis.high)));
  std::vector<double> taken;
  const auto try_to_take = [&](double value) {
    if (value < axis.low * (1 - 1e-9) || value > axis.high * (1 + 1e-9)) return;
    const bool has_room = std::all_of(taken.begin(), taken.end(),
                                      [&](double other) { return std::abs(axis.at(other) - axis.at(value)) >= gap; });
    if (has_room) taken.push_back(value);
  };
  if (axis.low <= 1 && axis.high >= 1) taken.push_back(1);  // what ratios are read against
  for (const double mantissa : kMantissas)
    for (int exponent = lowest - 1; exponent <= highest; ++exponent)
      try_to_take(exponent >= 0 ? mantissa * std::pow(10.0, exponent) : mantissa / std::pow(10.0, -exponent));
  std::sort(taken.begin(), taken.end());
  return taken;
}

double TimeAxis::at(std::int64_t unix_seconds) const {
  const auto part = static_cast<double>(std::clamp(unix_seconds, since, until) - since);
  return from + (to - from) * part / static_cast<double>(std::max<std::int64_t>(until - since, 1));
}

std::vector<TimeTick> ticks(const TimeAxis& axis) {
  static constexpr std::int64_t kSteps[] = {1,    2,    5,    10,    15,    30,    60,    120,    300,    600,     900,
                                            1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000, 31536000};
  const auto span = std::max<std::int64_t>(axis.until - axis.since, 1);
  const auto* step = std::find_if(std::begin(kSteps), std::prev(std::end(kSteps)),
                                  [&](std::int64_t seconds) { return span / seconds < 5; });
  const char* format = *step >= 86400 ? "%m-%d" : *step >= 60 ? "%H:%M" : "%H:%M:%S";
  std::vector<TimeTick> found;
  for (auto at = (axis.since + *step - 1) / *step * *step; at <= axis.until && found.size() < 5; at += *step) {
    const std::time_t seconds = at;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[16];
    std::strftime(text, sizeof text, format, &parts);
    found.push_back({at, text});
  }
  return found;
}

std::string coordinate(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value + 0.0);
  return text;
}

}  // namespace tandem::report::charts
