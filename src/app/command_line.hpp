// What the user typed, as a value: one struct per command. Bad usage is answered here; the commands' bodies are elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "app/compare_options.hpp"
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

struct TopCommand {
  std::string admin;
  bool once = false;
};

struct ReloadCommand {
  std::string admin;
  bool json = false;
};

// What is to be seen or done of one experiment.
struct ExperimentCommand {
  std::string action;  // "weights", "ramp", "advance", "approve", "start", "pause", "resume", "rollback", "conclude"
  std::string admin;
  std::string route;                                           // or the experiment's id
  std::vector<std::pair<std::string, std::string>> weights{};  // of "weights": by arm, "5" or "5%"; none: show them
  std::string arm{};                                           // of "conclude": who gets everything
  std::string reason{};
  std::uint64_t revision = 0;  // only if it is still that one; 0: whatever it is
  bool dry_run = false;
  bool json = false;
};

struct AuditCommand {
  std::string admin;
  std::string since{};
  std::string file{};  // verify this one
  bool verify = false;
  bool json = false;
};

// Where the state of an experiment is to be had: from files, else from the replicas' admin sides. Several are merged.
struct StateSource {
  std::string route;  // or the experiment's id
  std::vector<std::string> files{};
  std::vector<std::string> replicas{};
};

struct ReportCommand {
  StateSource source;
  std::string format = "text";  // "json", "md", "html"
  std::string output{};         // a file; empty: standard output
};

struct DiffsCommand {
  StateSource source;
  std::size_t samples = 3;  // of each kind of difference
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
                 StacksCommand, RequestsCommand, TopCommand, ReloadCommand, ExperimentCommand, AuditCommand, ReportCommand,
                 DiffsCommand, CompareCommand, VersionCommand, WorkerCommand>;

// The command, or the exit code when everything has been said: 0 after --help, 2 after a message about bad usage on standard
// error. Config paths are filled in: where none is given, config/tandem.json, else /etc/tandem/tandem.json.
std::variant<CommandLine, int> parse_command_line(int argc, char** argv);

// The environment of this process.
config::Environment process_environment();

}  // namespace tandem::app
