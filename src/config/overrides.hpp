// Settings of the command line that win over the file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"

namespace tandem::config {

struct Overrides {
  std::vector<net::ListenOptions> listen;  // all listeners of the file give way
  std::optional<net::ListenOptions> admin;
  std::optional<unsigned> threads;
  std::optional<unsigned> workers;  // of the pool "python"
  std::optional<std::string> log_level;
};

// Puts them into `config`, under the same rules as the file's own values.
Result<void> apply(const Overrides& overrides, Config& config);

}  // namespace tandem::config
