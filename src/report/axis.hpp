// Where values stand in a picture, and which of them get a label.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::report::charts {

// A logarithmic axis for positive values.
struct LogAxis {
  double low = 1;  // values at its ends, low < high
  double high = 10;
  double from = 0;  // and where they are drawn
  double to = 100;

  double at(double value) const;  // kept between the ends
  bool is_below(double value) const { return value < low; }
  bool is_above(double value) const { return value > high; }
};

// Round values on the axis with at least `gap` between them: powers of ten first, then what is less round, as there is room.
std::vector<double> ticks(const LogAxis& axis, double gap);

// Wall time, in Unix seconds.
struct TimeAxis {
  std::int64_t since = 0;
  std::int64_t until = 1;
  double from = 0;
  double to = 100;

  double at(std::int64_t unix_seconds) const;
};

struct TimeTick {
  std::int64_t unix_seconds = 0;
  std::string label;  // UTC: "10:05", "10:05:30", "11-23"
};
// Full hours, minutes or days, at most five.
std::vector<TimeTick> ticks(const TimeAxis& axis);

// A coordinate: "12.3".
std::string coordinate(double value);

}  // namespace tandem::report::charts
