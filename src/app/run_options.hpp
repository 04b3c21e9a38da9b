// The command line of `tandem run`: its own options, the spellings that users of uvicorn and gunicorn have in their fingers,
// and a word for those options of theirs that have nothing to say here.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/run_command.hpp"
#include "base/result.hpp"
#include "config/environment.hpp"

namespace CLI {
class App;
}

namespace tandem::app {

struct ForeignOption;

// The options as they were typed; empty: not given.
struct TypedRun {
  std::string target;
  std::vector<std::string> listen;
  std::string host, port, uds;
  std::string workers, threads, io_threads;
  std::string root_path, app_dir, chdir, python_path, home, name, user;
  bool factory = false;
  std::string interface, lifespan;
  bool reload = false;
  std::vector<std::string> reload_dirs, reload_includes, reload_excludes;
  std::string log_level, log_file, access_log_file;
  std::optional<bool> access_log, proxy_headers;
  std::string forwarded_allow_ips;
  std::string limit_concurrency, max_requests, max_requests_jitter;
  std::string timeout, keep_alive, graceful_timeout;
  std::string websocket_max_size, websocket_ping_interval, websocket_ping_timeout, websocket_deflate;
  std::string env_file;
  std::vector<std::string> environment;
  std::string admin;
  std::vector<std::pair<const ForeignOption*, std::string>> foreign;  // under the name that was typed
};

// `typed` outlives the parsing.
void declare_run_options(CLI::App& command, TypedRun& typed);

// What was typed and is no option, after parsing; with a suggestion.
std::optional<std::string> unknown_run_option(const CLI::App& command);

// Relative paths start in `working_directory`, or in --chdir below it. Reads the --env-file.
Result<RunCommand> make_run_command(const TypedRun& typed, const config::Environment& environment,
                                    const std::filesystem::path& working_directory);

}  // namespace tandem::app
