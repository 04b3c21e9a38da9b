// What may be said of a ratio, candidate over control, whose interval is known (less is better).
#pragma once

#include <string_view>

#include "statistics/interval.hpp"

namespace tandem::statistics {

enum class Direction : unsigned char { better, worse, undecided };

struct Verdict {
  Direction direction = Direction::undecided;
  bool is_equivalent = false;  // inside the margin; it may be better or worse all the same

  // "better", "worse", "equivalent", "better, but within the margin", "undecided".
  std::string_view words() const;
};

// Better when the interval ends below 1, worse when it begins above, equivalent when 1/(1+margin) < low and high < 1+margin.
Verdict verdict_of(const Interval& ratio, double margin);

}  // namespace tandem::statistics
