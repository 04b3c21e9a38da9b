// What a reload can't change about a running server.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace tandem::config {

// The keys that stand differently in `wanted` and hold from the start of the server on, such as "listen": they wait for a
// restart. Everything else of a config takes effect at a reload.
std::vector<std::string> find_restart_keys(const Config& running, const Config& wanted);

}  // namespace tandem::config
