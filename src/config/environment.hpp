// "${NAME}" and "${NAME:-default}" inside the strings of the config file.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::config {

// The value of an environment variable, or nothing when it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// Replaces each reference; "$${" stands for a literal "${". The default is taken when the variable is unset or empty, as in
// a shell; an unset variable without a default is an error.
Result<std::string> expand(std::string_view text, const Environment& environment);

}  // namespace tandem::config
