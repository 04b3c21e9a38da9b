// What /metrics says of experiments as such: their weights and states. (What their requests did stands under
// tandem_requests_total and its siblings.)
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::measure {

struct ExperimentStatus {
  std::string id;
  std::string route;
  std::string_view state;                                 // draft, running, paused, rolled_back, concluded
  std::vector<std::pair<std::string, unsigned>> weights;  // arm, basis points
};

// The complete families tandem_experiment_weight_bp and tandem_experiment_state in the Prometheus text format, as
// observe::Registry's sources give them; empty without experiments.
std::string experiment_metrics(const std::vector<ExperimentStatus>& experiments);

}  // namespace tandem::measure
