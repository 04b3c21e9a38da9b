// The sections of the config file, each read by one function. What is wrong inside a section is found here; rules that join
// sections are in check.hpp.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "config/reader.hpp"

namespace tandem::config {

// Looks up what the file names on disk. Relative paths start in the working directory.
class Files {
 public:
  Files(std::filesystem::path working_directory, std::filesystem::path config_file);

  std::filesystem::path absolute(const std::string& path) const;

  // " (it exists beside the config file's directory, as /srv/app/handlers)" when that is where it was meant to be.
  std::string elsewhere(const std::string& path) const;

 private:
  std::filesystem::path working_directory_;
  std::filesystem::path beside_config_;  // the parent of the config file's directory
};

// Everything a parse function needs besides its own part of the file.
struct Surroundings {
  Files files;
  unsigned cpus;  // what "auto" stands for
};

// The whole document. Missing sections are read as empty ones, so that the reader learns every key of every section.
Config parse_config(const Value& document, const Surroundings& surroundings);

// parse_server.cpp
std::vector<net::ListenOptions> parse_listeners(Object& top);
AdminConfig parse_admin(Object& top, const Files& files);
net::Limits parse_limits(Object section);
LogConfig parse_log(Object section, const Files& files);
void parse_auto(Object& object, std::string_view key, unsigned& target, unsigned automatic);
std::optional<std::uint64_t> parse_body_bytes(const Value& value);  // null: no limit
std::string parse_token_file(Object& object, std::string_view key, const Files& files);

// parse_pool.cpp
std::optional<Milliseconds> parse_timeout(const Value& value);  // null: no time limit
pool::PoolOptions parse_pool(Object section, std::string name, const Surroundings& surroundings);

// parse_routes.cpp
void parse_pin(Object& object, std::optional<PinPolicy>& target);
std::vector<RouteConfig> parse_routes(Object& top);

// parse_experiment.cpp
// `route`: all of it but its name and its experiment.
experiment::Settings parse_experiment(const Value& value, const RouteConfig& route);

}  // namespace tandem::config
