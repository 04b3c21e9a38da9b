#include "experiment/assignment_metrics.hpp"

#include "observe/metrics.hpp"
#include "observe/prometheus_text.hpp"

namespace tandem::experiment {
namespace {

constexpr std::array<std::string_view, Experiment::kKeyKinds + 1> kSources = {"cookie",    "header", "query",  "path",
                                                                              "client_ip", "mint",   "random", "none"};
constexpr std::string_view kKeys = "tandem_experiment_keys_total";
constexpr std::string_view kOff = "tandem_experiment_breaker_off";
constexpr std::string_view kTrips = "tandem_experiment_breaker_trips_total";

std::string label(std::string_view name, std::string_view value) {
  return std::string(name).append("=\"").append(observe::escape_label(value)).append("\"");
}

}  // namespace

std::string assignment_metrics(const std::deque<ExperimentHandler>& handlers) {
  if (handlers.empty()) return {};
  observe::PrometheusText text;
  auto& keys = text.family(kKeys, "counter", "Requests by the kind of source that gave their key.");
  auto& off = text.family(kOff, "gauge", "1 while the breaker keeps requests from a candidate.");
  auto& trips = text.family(kTrips, "counter", "How often the breaker took a candidate out of service.");
  for (const auto& handler : handlers) {
    const auto& experiment = handler.experiment();
    const auto labels = label("experiment", experiment.id()) + ",";
    const auto found = experiment.keys_found();
    for (std::size_t kind = 0; kind < kSources.size(); ++kind)
      if (found[kind] > 0)
        observe::append_sample(keys, kKeys, labels + label("source", kSources[kind]),
                               static_cast<std::int64_t>(found[kind]));
    for (std::size_t arm = 0; arm < experiment.arms().size(); ++arm) {
      if (arm == experiment.control()) continue;
      const auto& breaker = experiment.breaker(arm);
      const auto name = labels + label("arm", experiment.arms()[arm]);
      observe::append_sample(off, kOff, name, std::int64_t{breaker.state() != Breaker::State::closed});
      observe::append_sample(trips, kTrips, name, static_cast<std::int64_t>(breaker.trips()));
    }
  }
  return text.text();
}

}  // namespace tandem::experiment
