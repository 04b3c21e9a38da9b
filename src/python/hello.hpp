// The one thing of the hello message that is needed before there is an interpreter to parse it with.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandem::python {

// The string that the JSON object `json` has under `name` on its top level; nullopt when it has none.
std::optional<std::string> find_top_level_string(std::string_view json, std::string_view name);

}  // namespace tandem::python
