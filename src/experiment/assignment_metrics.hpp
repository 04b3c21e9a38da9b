// What /metrics says of how experiments assign: where keys were found, and whose breaker is off.
#pragma once

#include <deque>
#include <string>

#include "experiment/experiment_handler.hpp"

namespace tandem::experiment {

// Complete families in the Prometheus text format, as observe::Registry's sources give them; empty without experiments.
std::string assignment_metrics(const std::deque<ExperimentHandler>& handlers);

}  // namespace tandem::experiment
