#include "simulate/guardrail.hpp"

#include <boost/random/mersenne_twister.hpp>
#include <boost/random/poisson_distribution.hpp>
#include <boost/random/uniform_01.hpp>
#include <cmath>

#include "statistics/paired_events.hpp"
#include "statistics/proportion.hpp"
#include "statistics/risk_ratio.hpp"

namespace tandem::simulate {

using statistics::Sides;

std::optional<unsigned> seconds_to_rollback(const Incident& incident, std::uint64_t seed) {
  boost::random::mt19937_64 random(seed);
  boost::random::uniform_01<double> uniform;
  boost::random::poisson_distribution<unsigned, double> arrivals(incident.requests_per_second);
  statistics::RiskRatio risk;
  double requests[2] = {0, 0};
  double errors[2] = {0, 0};
  for (unsigned second = 1; second <= incident.seconds; ++second) {
    double n[2] = {0, 0};
    double failed[2] = {0, 0};
    for (unsigned i = arrivals(random); i > 0; --i) {
      const int arm = uniform(random) < incident.share ? 1 : 0;
      n[arm] += 1;
      if (uniform(random) < incident.error_rate * (arm == 1 ? incident.factor : 1)) failed[arm] += 1;
    }
    risk.add(failed[1], failed[0], n[1], n[0]);
    for (const int arm : {0, 1}) {
      requests[arm] += n[arm];
      errors[arm] += failed[arm];
    }
    if (requests[0] == 0 || requests[1] == 0) continue;
    const double excess = errors[1] / requests[1] - errors[0] / requests[0];
    if (risk.ln_e(Sides::one) >= -std::log(incident.alpha) && excess > 0.001) return second;
  }
  return std::nullopt;
}

ShadowAlarms watch_shadows(const Shadows& shadows, std::uint64_t seed) {
  boost::random::mt19937_64 random(seed);
  boost::random::uniform_01<double> uniform;
  ShadowAlarms alarms;
  double mismatches = 0;
  double candidate_only = 0;
  double control_only = 0;
  for (unsigned pair = 1; pair <= shadows.pairs; ++pair) {
    const bool mismatched = uniform(random) < shadows.mismatch_rate;
    mismatches += mismatched;
    // The interval changes its mind at a mismatch, and slowly between two.
    if ((mismatched || pair % 50 == 0) &&
        !statistics::proportion_interval(mismatches, pair, shadows.alpha).contains(shadows.mismatch_rate))
      alarms.bound_excluded_rate = true;
    if (uniform(random) >= shadows.difference_rate) continue;
    (uniform(random) < 0.5 ? candidate_only : control_only) += 1;
    if (statistics::ln_paired_events_e(candidate_only, control_only, Sides::one) >= -std::log(shadows.alpha))
      alarms.noise_was_blamed = true;
  }
  return alarms;
}

}  // namespace tandem::simulate
