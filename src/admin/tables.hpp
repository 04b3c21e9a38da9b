// The documents of the admin API as aligned tables for a terminal: what `tandem status` and `tandem workers` print.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::admin {

// Errors: the text is not the document it should be.
Result<std::string> format_status(std::string_view status_json);
Result<std::string> format_workers(std::string_view workers_json);

}  // namespace tandem::admin
