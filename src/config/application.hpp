// How configurations and command lines name what Python is to run.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::config {

// "module.sub" or "object.method": Python identifiers joined by dots.
bool is_dotted_name(std::string_view text);

// "module:application", "module:factory()" or "module", which stands for its "app" or "application".
Result<void> check_application(const std::string& target);

// "" or "/api".
Result<void> check_root_path(const std::string& path);

}  // namespace tandem::config
