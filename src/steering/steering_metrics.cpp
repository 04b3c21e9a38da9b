// What /metrics says of experiments as such.
#include <cmath>

#include "observe/metrics.hpp"
#include "observe/prometheus_text.hpp"
#include "statistics/proportion.hpp"
#include "steering/steering.hpp"

namespace tandem::steering {

namespace {

using Metric = experiment::GuardrailSettings::Metric;

constexpr experiment::State kStates[] = {experiment::State::draft, experiment::State::running, experiment::State::paused,
                                         experiment::State::rolled_back, experiment::State::concluded};

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + observe::escape_label(value) + "\"";
}

bool has_e_value(const experiment::GuardrailSettings& guardrail) {
  return guardrail.metric == Metric::errors || guardrail.metric == Metric::timeouts || guardrail.metric == Metric::srm;
}

double upper_bound(const comparison::Tally& tally) {
  constexpr double kAlpha = 0.05;
  return statistics::proportion_interval(static_cast<double>(tally.count(comparison::Outcome::mismatch)),
                                         static_cast<double>(tally.compared()), kAlpha)
      .high;
}

}  // namespace

// Ends that nothing bounds are left out, as are metrics without a ratio.
std::vector<std::pair<std::string, std::string>> Steering::effect_samples(const Subject& subject) {
  std::vector<std::pair<std::string, std::string>> samples;
  for (const auto& candidate : report::evaluate(subject.state).candidates)
    for (const auto& effect : candidate.effects) {
      if (effect.standing != report::Standing::judged || effect.ratio <= 0) continue;
      const auto labels = label("experiment", subject.settings.id) + "," + label("arm", candidate.name) + "," +
                          label("metric", report::name_of(effect.metric)) + ",";
      for (const auto& [bound, value] : {std::pair("low", effect.interval.low), std::pair("point", effect.ratio),
                                         std::pair("high", effect.interval.high)})
        if (std::isfinite(value)) samples.emplace_back(labels + label("bound", bound), std::to_string(value));
    }
  return samples;
}

void Steering::publish_metrics() {
  observe::PrometheusText text;
  if (!subjects_.empty()) {
    auto& compared = text.family("tandem_compare_total", "counter",
                                 "Shadows' answers that were compared with control's, or could not be, by what was found.");
    auto& bound = text.family("tandem_compare_upper_bound", "gauge",
                              "The largest share of answers that may differ: upper end of its confidence sequence.");
    auto& weights = text.family("tandem_experiment_weight_bp", "gauge",
                                "Share of the experiment's keys that the arm has now, in basis points.");
    auto& states = text.family("tandem_experiment_state", "gauge", "1 for the state that the experiment is in, else 0.");
    auto& evidence =
        text.family("tandem_guardrail_log_e", "gauge",
                    "Evidence that a guardrail has, as the logarithm of an e-value; of those that count events.");
    auto& effects = text.family("tandem_experiment_effect", "gauge",
                                "Candidate's metric over control's, and the ends of its confidence sequence.");
    for (const auto& [id, subject] : subjects_) {
      const auto traffic = effective_weights(subject.settings, subject.life);
      for (std::size_t i = 0; i < traffic.size(); ++i)
        observe::append_sample(weights, "tandem_experiment_weight_bp",
                               label("experiment", id) + "," + label("arm", subject.settings.arms[i].name),
                               std::to_string(traffic[i]));
      for (const auto state : kStates)
        observe::append_sample(states, "tandem_experiment_state",
                               label("experiment", id) + "," + label("state", experiment::format_state(state)),
                               std::string_view(subject.life.state == state ? "1" : "0"));
      for (const auto& one : subject.judgements) {
        const auto& guardrail = subject.settings.guardrails[one.guardrail];
        if (has_e_value(guardrail))
          observe::append_sample(evidence, "tandem_guardrail_log_e",
                                 label("experiment", id) + "," + label("arm", subject.settings.arms[one.arm].name) + "," +
                                     label("guardrail", format_guardrail(guardrail)),
                                 std::to_string(one.ln_e));
      }
      for (const auto& [arm, tally] : subject.state.comparisons) {
        const auto labels = label("experiment", id) + "," + label("arm", arm);
        for (std::size_t i = 0; i < comparison::kOutcomes; ++i) {
          const auto outcome = static_cast<comparison::Outcome>(i);
          observe::append_sample(compared, "tandem_compare_total",
                                 labels + "," + label("result", comparison::name_of(outcome)),
                                 static_cast<std::int64_t>(tally.count(outcome)));
        }
        if (tally.compared() > 0)
          observe::append_sample(bound, "tandem_compare_upper_bound", labels, std::to_string(upper_bound(tally)));
      }
      for (const auto& [labels, value] : subject.effects)
        observe::append_sample(effects, "tandem_experiment_effect", labels, value);
    }
  }
  auto all = text.text();
  for (const auto& [id, subject] : subjects_)
    if (subject.settings.shadow) subject.experiment->shadow().append_metrics(all, subject.settings.route);
  const std::lock_guard lock(metrics_mutex_);
  metrics_ = std::move(all);
}

}  // namespace tandem::steering
