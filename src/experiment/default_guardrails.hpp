// The guardrails that an experiment has unless its config says otherwise (experiments.md §5.11).
#pragma once

#include <vector>

#include "experiment/settings.hpp"

namespace tandem::experiment {

std::vector<GuardrailSettings> default_guardrails();

}  // namespace tandem::experiment
