// Config file → Config, or everything that is wrong with it at once.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/environment.hpp"
#include "config/problem.hpp"

namespace tandem::config {

// What a config file is read against, besides its text.
struct LoadOptions {
  LoadOptions() = default;
  explicit LoadOptions(Environment variables) : environment(std::move(variables)) {}

  Environment environment;                    // for "${NAME}"; without one no variable is set
  std::filesystem::path working_directory;    // relative paths in the file start here; empty: the process's
  std::vector<std::string> native_endpoints;  // names that "native" may give; empty: not checked here
  unsigned cpus = 0;                          // what "auto" stands for; 0: the CPUs this process may use
};

struct LoadResult {
  std::optional<Config> config;   // when there is no problem
  std::vector<Problem> problems;  // in the order of the file
  std::string file;               // as given

  // The problems as they are printed, one line each.
  std::vector<std::string> lines() const;
};

LoadResult load(const std::string& file, const LoadOptions& options);
inline LoadResult load(const std::string& file, Environment environment) {
  return load(file, LoadOptions(std::move(environment)));
}

// The same for a text that was read already; `file` is the name that messages and Config::file give it.
LoadResult load_text(const std::string& text, const std::string& file, const LoadOptions& options);

}  // namespace tandem::config
