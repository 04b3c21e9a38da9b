// The figures behind the pictures of a report: latencies over time, and how the effects came to be what they are.
#pragma once

#include <cstddef>
#include <vector>

#include "report/epoch_data.hpp"

namespace tandem::report {

// `effects`: those of the report, whose alphas are the pictures'. Running intervals rest on windows alone: of groups of
// clients only whole epochs are kept.
Pictures pictures_of(const State& state, std::size_t candidate, const std::vector<EpochData>& epochs,
                     const std::vector<Effect>& effects);

}  // namespace tandem::report
