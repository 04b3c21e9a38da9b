// How often something happens, with bounds that hold at every look, from the first observation on.
#pragma once

#include "statistics/interval.hpp"

namespace tandem::statistics {

// The proportions p that x of n leave possible: lnB(x+½, n−x+½) − lnB(½,½) − x ln p − (n−x) ln(1−p) < ln(1/α), a mixture
// over Beta(½,½). 0 ≤ x ≤ n. Counts that come in bunches are divided by their design effect first.
Interval proportion_interval(double x, double n, double alpha);

}  // namespace tandem::statistics
