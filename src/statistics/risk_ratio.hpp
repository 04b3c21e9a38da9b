// Events of two arms whose shares of the traffic change: given that one happened, which arm did it hit? A mixture of
// likelihood ratios over a grid of risk ratios, correct under ramps and under rates that drift for both arms together.
// After Lindon & Malek, NeurIPS 2022, with a grid for their continuous prior.
#pragma once

#include <array>
#include <cstddef>

#include "statistics/interval.hpp"
#include "statistics/mixture.hpp"

namespace tandem::statistics {

class RiskRatio {
 public:
  static constexpr int kSteps = 80;  // on each side of 1; ψ_j = 2^(j/16)

  // One window: events and requests of the candidate and of control. Windows in which an arm had no request say nothing.
  void add(double candidate_events, double control_events, double candidate_requests, double control_requests);
  void merge(const RiskRatio& other);

  // ln of the e-value of "the risk ratio is 1" (or, with `null_step` j, ψ_j); one-sided: that it is no larger.
  double ln_e(Sides sides = Sides::two, int null_step = 0) const;
  // The grid's risk ratios that are not excluded.
  Interval interval(double alpha) const;
  // ψ_j.
  static double ratio_of(int step);

 private:
  std::array<double, 2 * kSteps + 1> ln_likelihood_{};  // of ψ_j over that of 1
};

}  // namespace tandem::statistics
