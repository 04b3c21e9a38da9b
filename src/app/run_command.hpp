// `tandem run TARGET`: one application, no config file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/file_watcher.hpp"
#include "config/config.hpp"

namespace tandem::app {

struct RunCommand {
  config::Config config;              // one pool with one application on "/*"
  std::string directory;              // to change to first; empty: stay
  std::string process_name;           // what process lists show of the workers
  std::vector<std::string> warnings;  // options that were understood but change nothing here
  std::optional<WatchOptions> watch;  // reload when these files change
};

// Serves until a signal; returns the exit code.
int run_command(const RunCommand& command);

}  // namespace tandem::app
