#include "statistics/paired_events.hpp"

#include <boost/math/special_functions/beta.hpp>
#include <cmath>

#include "statistics/special_functions.hpp"

namespace tandem::statistics {

double ln_paired_events_e(double b, double c, Sides sides, double k) {
  const double a = k / 2;
  double ln_e = ln_beta(a + b, a + c) - ln_beta(a, a) + (b + c) * std::log(2.0);
  if (sides == Sides::one)
    ln_e += std::log(boost::math::ibetac(a + b, a + c, 0.5)) - std::log(boost::math::ibetac(a, a, 0.5));
  return ln_e;
}

double mcnemar_p(double b, double c) {
  if (b <= 0) return 1;
  return boost::math::ibeta(b, c + 1, 0.5);  // P(Bin(n, p) ≥ b) = I_p(b, n−b+1)
}

}  // namespace tandem::statistics
