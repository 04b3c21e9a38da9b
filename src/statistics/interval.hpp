// An interval of the real line; an end that nothing bounds is infinite.
#pragma once

#include <limits>

namespace tandem::statistics {

struct Interval {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  bool contains(double value) const { return low <= value && value <= high; }
};

}  // namespace tandem::statistics
