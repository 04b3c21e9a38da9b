// Boundaries that a sum of centred observations crosses with probability at most α, at whatever time it is looked at:
// mixtures of likelihood ratios after Robbins, in the forms of Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform,
// nonparametric, nonasymptotic confidence sequences", Annals of Statistics 2021. `v` is the accumulated variance.
#pragma once

namespace tandem::statistics {

enum class Sides : unsigned char { two, one };

// The mixture's parameter that makes the boundary narrowest at v_opt.
double optimal_rho(double v_opt, double alpha, Sides sides = Sides::two);

// For sums of normal, or asymptotically normal, terms of variance 1.
class NormalMixture {
 public:
  NormalMixture(double v_opt, double alpha_opt) : rho_(optimal_rho(v_opt, alpha_opt)) {}

  double rho() const { return rho_; }
  // ln of the supermartingale at the sum `s`.
  double ln_m(double s, double v) const;
  // The sum at which it reaches 1/α.
  double bound(double v, double alpha) const;

 private:
  double rho_;
};

// For sums of terms that take values from −g to h.
class BetaBinomialMixture {
 public:
  BetaBinomialMixture(double v_opt, double alpha_opt, double g, double h, Sides sides = Sides::two);

  double ln_m(double s, double v) const;

  struct Bound {
    double value = 0;
    bool is_unbounded = false;  // the sum can't exceed `value` = v/g, and even there the supermartingale stays below 1/α
  };
  Bound bound(double v, double alpha) const;

 private:
  double g_, h_, r_;
  double end_;         // of the mixture's integral
  double normaliser_;  // ln of it
};

}  // namespace tandem::statistics
