// The parts of the page that are pictures: which figures of a report become which chart, and the words beneath.
#pragma once

#include <string>

#include "report/report.hpp"

namespace tandem::report {

// Forest, shift, heat maps, stages, effect over time, in this order. `suffix` makes the parts' ids unique on the page.
std::string pictures_html(const Report& report, const CandidateReport& candidate, const std::string& suffix);

}  // namespace tandem::report
