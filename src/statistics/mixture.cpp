#include "statistics/mixture.hpp"

#include <algorithm>
#include <cmath>

#include "statistics/special_functions.hpp"

namespace tandem::statistics {

double optimal_rho(double v_opt, double alpha, Sides sides) {
  const double twice = -2 * std::log(sides == Sides::two ? alpha : std::min(1.0, 2 * alpha));
  return v_opt / (twice + std::log1p(twice));
}

double NormalMixture::ln_m(double s, double v) const { return std::log(rho_ / (v + rho_)) / 2 + s * s / (2 * (v + rho_)); }

double NormalMixture::bound(double v, double alpha) const {
  return std::sqrt((v + rho_) * (std::log((v + rho_) / rho_) - 2 * std::log(alpha)));
}

BetaBinomialMixture::BetaBinomialMixture(double v_opt, double alpha_opt, double g, double h, Sides sides)
    : g_(g),
      h_(h),
      r_(std::max(optimal_rho(v_opt, alpha_opt, sides) - g * h, 0.001 * g * h)),
      end_(sides == Sides::two ? 1 : h / (g + h)),
      normaliser_(ln_incomplete_beta(r_ / (g * (g + h)), r_ / (h * (g + h)), end_)) {}

double BetaBinomialMixture::ln_m(double s, double v) const {
  const double sum = g_ + h_;
  return v / (g_ * h_) * std::log(sum) - (v + h_ * s) / (h_ * sum) * std::log(g_) -
         (v - g_ * s) / (g_ * sum) * std::log(h_) +
         ln_incomplete_beta((r_ + v - g_ * s) / (g_ * sum), (r_ + v + h_ * s) / (h_ * sum), end_) - normaliser_;
}

BetaBinomialMixture::Bound BetaBinomialMixture::bound(double v, double alpha) const {
  const double wanted = -std::log(alpha);
  const double cap = v / g_;
  if (ln_m(cap, v) < wanted) return {cap, true};
  return {bisect([&](double s) { return ln_m(s, v) - wanted; }, 0, cap), false};
}

}  // namespace tandem::statistics
