// What each command of the command line does; the return value is the exit code: 0 fine, 1 failed while running, 2 bad
// usage or config. "compare" has others of its own.
#pragma once

#include "app/command_line.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "pool/pool_backend.hpp"

namespace tandem::app {

constexpr int kFailed = 1;
constexpr int kBadConfig = 2;

int run_command(const ServeCommand& command);
int run_command(const CheckCommand& command);
int run_command(const RoutesCommand& command);
int run_command(const ExplainCommand& command);
int run_command(const StatusCommand& command);
int run_command(const WorkersCommand& command);
int run_command(const StacksCommand& command);
int run_command(const RequestsCommand& command);
int run_command(const TopCommand& command);
int run_command(const ReloadCommand& command);
int run_command(const ExperimentCommand& command);
int run_command(const AuditCommand& command);
int run_command(const ReportCommand& command);
int run_command(const DiffsCommand& command);
int run_command(const CompareCommand& command);
int run_command(const VersionCommand& command);
int run_command(const WorkerCommand& command);

// What the commands that serve have in common.

// This binary as a worker.
pool::WorkerProgram worker_program();

// The config, or nothing after its problems went to standard error.
std::optional<config::Config> load_or_complain(const std::string& file);

// Log, ignored signals, descriptor limit; false after a message when the log can't be opened.
bool prepare_process(const config::LogConfig& log);

// Ends the process after a failed start, with a message. Threads and workers are running: it does not unwind them. The
// workers end with their control socket.
[[noreturn]] void leave(const Error& error);

}  // namespace tandem::app
