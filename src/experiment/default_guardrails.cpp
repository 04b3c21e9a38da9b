#include "experiment/default_guardrails.hpp"

namespace tandem::experiment {

std::vector<GuardrailSettings> default_guardrails() {
  using Metric = GuardrailSettings::Metric;
  using Action = GuardrailSettings::Action;
  const auto of = [](Metric metric, double quantile, double margin, Action action) {
    GuardrailSettings guardrail;
    guardrail.metric = metric;
    guardrail.quantile = quantile;
    guardrail.margin = margin;
    guardrail.action = action;
    return guardrail;
  };
  return {of(Metric::errors, 0, 1.5, Action::rollback),      of(Metric::timeouts, 0, 1.5, Action::rollback),
          of(Metric::latency, 0.99, 1.25, Action::rollback), of(Metric::cpu, 0, 2, Action::warn),
          of(Metric::mismatch, 0, 0.01, Action::rollback),   of(Metric::srm, 0, 0, Action::hold)};
}

}  // namespace tandem::experiment
