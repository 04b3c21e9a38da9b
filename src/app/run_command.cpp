#include "app/run_command.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "app/commands.hpp"
#include "app/development.hpp"
#include "app/server.hpp"
#include "app/version.hpp"
#include "base/log.hpp"
#include "config/load.hpp"
#include "handlers/catalog.hpp"

namespace tandem::app {
namespace {

// What runs and where, how to stop it; the last line is "ready".
std::string banner(const RunCommand& command, const Server& server) {
  const auto& pool = command.config.pools.begin()->second;
  const auto& application = command.config.routes.front().arms.front().endpoint;
  const auto interface = server.interface_of(application);
  std::string text = "tandem " + std::string(version()) + " runs " + application.endpoint +
                     (interface.empty() ? "" : " (" + std::string(interface) + ")") + ", " + std::to_string(pool.workers) +
                     (pool.workers == 1 ? " worker" : " workers") + ", Python " + build_facts().python +
                     (pool.home ? " of " + *pool.home : "") + "\n";
  const auto urls = server.listening();
  for (std::size_t i = 0; i < urls.size(); ++i)
    text += (i < command.config.listen.size() ? "listening on " : "admin on ") + urls[i] + "\n";
  if (command.watch)
    for (const auto& directory : command.watch->directories) text += "watching " + directory + "\n";
  return text + "stop with Ctrl-C\nready\n";
}

// The server's first generation under development: everything but the application.
config::Config without_application(config::Config config) {
  config.routes.clear();
  for (auto& [name, pool] : config.pools) pool.endpoints.clear();
  return config;
}

config::LoadResult read_config(const RunCommand& command) {
  config::LoadResult result;
  result.config = command.config;
  result.file = command.config.file;
  return result;
}

// In colour where people look: on a terminal, unless they would rather not (no-color.org).
bool likes_colour(const config::LogConfig& log) {
  const char* const no_colour = std::getenv("NO_COLOR");
  return log.file.empty() && ::isatty(STDERR_FILENO) != 0 && (no_colour == nullptr || *no_colour == '\0');
}

int run_under_development(const RunCommand& command, Server& server) {
  Development development(server, *command.watch, command.config.routes.front().arms.front().endpoint.endpoint,
                          likes_colour(command.config.log));
  if (auto started = server.start(); !started) leave(started.error());
  server.when_stopping([&] { development.stop(); });
  return server.run([&] {
    const auto announce = [&] { std::cout << banner(command, server) << std::flush; };
    if (auto started = development.start(announce); !started) leave(started.error());
  });
}

}  // namespace

int run_command(const RunCommand& command) {
  if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) {
    std::cerr << "tandem: --chdir: " << command.directory << ": " << std::strerror(errno) << "\n";
    return kBadConfig;
  }
  if (!prepare_process(command.config.log)) return kFailed;
  for (const auto& warning : command.warnings) log().warn("{}", warning);
  auto program = worker_program();
  program.name = command.process_name;
  Server server(command.watch ? without_application(command.config) : command.config, handlers::catalog(),
                std::move(program), [&command] { return read_config(command); });
  if (command.watch) return run_under_development(command, server);
  if (auto started = server.start(); !started) leave(started.error());
  return server.run([&] { std::cout << banner(command, server) << std::flush; });
}

}  // namespace tandem::app
