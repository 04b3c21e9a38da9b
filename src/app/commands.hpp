// What each command of the command line does; the return value is the exit code: 0 fine, 1 failed while running, 2 bad
// usage or config.
#pragma once

#include "app/command_line.hpp"

namespace tandem::app {

int run_command(const ServeCommand& command);
int run_command(const CheckCommand& command);
int run_command(const RoutesCommand& command);
int run_command(const ExplainCommand& command);
int run_command(const StatusCommand& command);
int run_command(const WorkersCommand& command);
int run_command(const StacksCommand& command);
int run_command(const RequestsCommand& command);
int run_command(const ReloadCommand& command);
int run_command(const VersionCommand& command);
int run_command(const WorkerCommand& command);

}  // namespace tandem::app
