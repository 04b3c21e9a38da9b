#include "measure/experiment_metrics.hpp"

#include <array>

#include "observe/metrics.hpp"
#include "observe/prometheus_text.hpp"

namespace tandem::measure {
namespace {

constexpr std::array<std::string_view, 5> kStates = {"draft", "running", "paused", "rolled_back", "concluded"};

std::string label(std::string_view name, std::string_view value) {
  return std::string(name).append("=\"").append(observe::escape_label(value)).append("\"");
}

}  // namespace

std::string experiment_metrics(const std::vector<ExperimentStatus>& experiments) {
  if (experiments.empty()) return {};
  observe::PrometheusText text;
  auto& weights = text.family("tandem_experiment_weight_bp", "gauge",
                              "Share of the experiment's keys that the arm has now, in basis points.");
  auto& states = text.family("tandem_experiment_state", "gauge", "1 for the state that the experiment is in, else 0.");
  for (const auto& one : experiments) {
    const auto labels = label("experiment", one.id) + "," + label("route", one.route) + ",";
    for (const auto& [arm, weight] : one.weights)
      observe::append_sample(weights, "tandem_experiment_weight_bp", labels + label("arm", arm), std::to_string(weight));
    for (const auto state : kStates)
      observe::append_sample(states, "tandem_experiment_state", labels + label("state", state),
                             std::string_view(one.state == state ? "1" : "0"));
  }
  return text.text();
}

}  // namespace tandem::measure
