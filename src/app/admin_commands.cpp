// The commands that ask a running server's admin side how it is, watch it, and let it reload.
#include <unistd.h>

#include <iostream>

#include "admin/admin_url.hpp"
#include "admin/tables.hpp"
#include "app/admin_access.hpp"
#include "app/commands.hpp"
#include "top/watch.hpp"

namespace tandem::app {
namespace {

using namespace std::chrono_literals;

// "/api/v1/stacks?pool=python&pid=7"
std::string filtered(const std::string& path, const WorkerChoice& choice) {
  std::string query;
  if (!choice.pool.empty()) query += "&pool=" + admin::percent_encoded(choice.pool);
  if (choice.pid != 0) query += "&pid=" + std::to_string(choice.pid);
  if (!query.empty()) query.front() = '?';
  return path + query;
}

// Workers that are busy take their time, each pool in its turn.
admin::AdminClientOptions patient(admin::AdminClientOptions options) {
  options.answer_timeout = 60s;
  return options;
}

}  // namespace

int run_command(const StatusCommand& command) {
  return show(client_options(command.admin), "/api/v1/status", command.json, admin::format_status);
}

int run_command(const WorkersCommand& command) {
  return show(client_options(command.admin), "/api/v1/workers", command.json, admin::format_workers);
}

int run_command(const StacksCommand& command) {
  return show(patient(client_options(command.admin)), filtered("/api/v1/stacks", command.choice), command.json,
              admin::format_stacks);
}

int run_command(const RequestsCommand& command) {
  return show(patient(client_options(command.admin)), filtered("/api/v1/requests", command.choice), command.json,
              admin::format_requests);
}

int run_command(const TopCommand& command) {
  const auto options = client_options(command.admin);
  if (command.once || ::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
    const auto text = top::look(options);
    if (!text) return complain(text.error().message);
    std::cout << *text;
    return 0;
  }
  const bool with_colors = process_environment()("NO_COLOR").value_or("").empty();
  const auto watched = top::watch(options, with_colors);
  return watched ? 0 : complain(watched.error().message);
}

int run_command(const ReloadCommand& command) {
  auto options = client_options(command.admin);
  options.answer_timeout = 10min;  // each pool may take its start_timeout, and other reloads may come first
  const auto answer = admin::admin_post(options, "/api/v1/reload");
  if (!answer) return complain(answer.error().message);
  if (command.json) print_document(answer->body);
  const bool ok = answer->status == 200;
  const auto text = ok ? admin::format_reload(answer->body) : admin::format_failed_reload(answer->body);
  // A refusal of the admin side tells nothing of a reload.
  if (!text) return complain(ok ? text.error().message : options.url + " " + admin::describe_refusal(*answer));
  if (!command.json) std::cout << text->out;
  std::cerr << text->complaint;
  return ok ? 0 : kFailed;
}

}  // namespace tandem::app
