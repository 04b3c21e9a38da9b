// What the user typed, as a value: one struct per command. Bad usage is answered here; the commands' bodies are elsewhere.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "app/run_command.hpp"
#include "config/environment.hpp"
#include "config/overrides.hpp"

namespace tandem::app {

struct ServeCommand {
  std::string config;
  config::Overrides overrides;
};

struct CheckCommand {
  std::string config;
};

struct RoutesCommand {
  std::string config;
  bool json = false;
};

struct ExplainCommand {
  std::string method;
  std::string url;  // "http://host/path?query" or "/path?query"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string config;
  bool json = false;
};

// Where a running server's admin side is: "http://HOST:PORT" or "unix:PATH".
struct StatusCommand {
  std::string admin;
  bool json = false;
};

struct WorkersCommand {
  std::string admin;
  bool json = false;
};

// Which workers to ask about; as they are: all.
struct WorkerChoice {
  std::string pool;
  int pid = 0;
};

struct StacksCommand {
  std::string admin;
  WorkerChoice choice;
  bool json = false;
};

struct RequestsCommand {
  std::string admin;
  WorkerChoice choice;
  bool json = false;
};

struct ReloadCommand {
  std::string admin;
  bool json = false;
};

struct VersionCommand {
  bool json = false;
};

// Hidden: what the server starts its workers with. Descriptors from control_fd + 1 on are the lanes.
struct WorkerCommand {
  int control_fd = 3;
  unsigned lanes = 0;
  std::string user;  // whom to become; empty: nobody
};

using CommandLine =
    std::variant<ServeCommand, RunCommand, CheckCommand, RoutesCommand, ExplainCommand, StatusCommand, WorkersCommand,
                 StacksCommand, RequestsCommand, ReloadCommand, VersionCommand, WorkerCommand>;

// The command, or the exit code when everything has been said: 0 after --help, 2 after a message about bad usage on standard
// error. Config paths are filled in: where none is given, config/tandem.json, else /etc/tandem/tandem.json.
std::variant<CommandLine, int> parse_command_line(int argc, char** argv);

// The environment of this process.
config::Environment process_environment();

}  // namespace tandem::app
