#include "statistics/special_functions.hpp"

#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

namespace tandem::statistics {
namespace {
using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
}

double ln_gamma(double x) { return boost::math::lgamma(x, Policy()); }

double ln_beta(double a, double b) { return ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b); }

double ln_beta(std::span<const double> values) {
  double sum = 0;
  double ln = 0;
  for (const double value : values) {
    sum += value;
    ln += ln_gamma(value);
  }
  return ln - ln_gamma(sum);
}

double ln_incomplete_beta(double a, double b, double x) {
  return x >= 1 ? ln_beta(a, b) : ln_beta(a, b) + std::log(boost::math::ibeta(a, b, x, Policy()));
}

}  // namespace tandem::statistics
