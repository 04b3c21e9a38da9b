#include "statistics/risk_ratio.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::statistics {
namespace {

constexpr double kLnStep = 0.6931471805599453 / 16;

// ln Σ e^{xᵢ}, xᵢ one after another.
class LnSum {
 public:
  void add(double ln) {
    if (ln == -std::numeric_limits<double>::infinity()) return;
    if (ln > largest_) {
      scaled_ = scaled_ * std::exp(largest_ - ln) + 1;
      largest_ = ln;
    } else {
      scaled_ += std::exp(ln - largest_);
    }
  }
  double value() const { return largest_ + std::log(scaled_); }

 private:
  double largest_ = -std::numeric_limits<double>::infinity();
  double scaled_ = 0;
};

// The index of the step -kSteps <= `step` <= kSteps in the table of likelihoods.
std::size_t index_of(int step) {
  const int index = step + RiskRatio::kSteps;
  return static_cast<std::size_t>(index);
}

}  // namespace

double RiskRatio::ratio_of(int step) { return std::exp(step * kLnStep); }

void RiskRatio::add(double candidate_events, double control_events, double candidate_requests, double control_requests) {
  if (candidate_requests <= 0 || control_requests <= 0 || candidate_events + control_events <= 0) return;
  const double tau_0 = candidate_requests / (candidate_requests + control_requests);
  for (int step = -kSteps; step <= kSteps; ++step) {
    const double weighted = ratio_of(step) * candidate_requests;
    const double tau = weighted / (weighted + control_requests);
    ln_likelihood_[index_of(step)] +=
        candidate_events * std::log(tau / tau_0) + control_events * std::log((1 - tau) / (1 - tau_0));
  }
}

void RiskRatio::merge(const RiskRatio& other) {
  for (std::size_t i = 0; i < ln_likelihood_.size(); ++i) ln_likelihood_[i] += other.ln_likelihood_[i];
}

double RiskRatio::ln_e(Sides sides, int null_step) const {
  LnSum sum;
  LnSum weights;
  for (int step = -kSteps; step <= kSteps; ++step) {
    if (step == null_step || (sides == Sides::one && step < null_step)) continue;
    const double ln_weight = -std::abs(step - null_step) * kLnStep;
    weights.add(ln_weight);
    sum.add(ln_weight + ln_likelihood_[index_of(step)]);
  }
  return sum.value() - weights.value() - ln_likelihood_[index_of(null_step)];
}

Interval RiskRatio::interval(double alpha) const {
  const double ln_mixture = ln_e();
  Interval interval{std::numeric_limits<double>::infinity(), 0};
  for (int step = -kSteps; step <= kSteps; ++step) {
    if (ln_mixture - ln_likelihood_[index_of(step)] >= -std::log(alpha)) continue;
    interval.low = std::min(interval.low, ratio_of(step));
    interval.high = std::max(interval.high, ratio_of(step));
  }
  return interval;
}

}  // namespace tandem::statistics
