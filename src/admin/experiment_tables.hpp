// The documents of /api/v1/experiments and /api/v1/audit for a terminal: what `tandem weights`, `ramp`, `audit` and their
// siblings print.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::admin {

// Errors: the text is not the document it should be.
Result<std::string> format_experiment(std::string_view experiment_json);
Result<std::string> format_schedule(std::string_view experiment_json);
Result<std::string> format_preview(std::string_view preview_json);
Result<std::string> format_audit(std::string_view audit_json);

}  // namespace tandem::admin
