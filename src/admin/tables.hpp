// The documents of the admin API as aligned tables for a terminal: what `tandem status`, `workers`,
// `stacks`, `requests` and `reload` print.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::admin {

// Errors: the text is not the document it should be.
Result<std::string> format_status(std::string_view status_json);
Result<std::string> format_workers(std::string_view workers_json);
Result<std::string> format_stacks(std::string_view stacks_json);
Result<std::string> format_requests(std::string_view requests_json);

// What a reload's answer says: a line for standard output, and what the user is to be warned of or told went wrong.
struct ReloadText {
  std::string out;
  std::string complaint;
};
Result<ReloadText> format_reload(std::string_view reload_json);
Result<ReloadText> format_failed_reload(std::string_view problem_json);

}  // namespace tandem::admin
