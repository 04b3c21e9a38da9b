// The commands that speak to a running server's admin side. The token, if one is needed, is TANDEM_ADMIN_TOKEN.
#include <iostream>

#include "admin/admin_client.hpp"
#include "admin/tables.hpp"
#include "app/commands.hpp"

namespace tandem::app {
namespace {

using namespace std::chrono_literals;

admin::AdminClientOptions client_options(const std::string& url) {
  admin::AdminClientOptions options;
  options.url = url;
  options.token = process_environment()("TANDEM_ADMIN_TOKEN").value_or("");
  return options;
}

int complain(const std::string& message) {
  std::cerr << "tandem: " << message << "\n";
  return kFailed;
}

void print_document(const std::string& document) { std::cout << document << (document.ends_with('\n') ? "" : "\n"); }

// Prints what a page says: as it is, or as a table.
int show(const admin::AdminClientOptions& options, const std::string& path, bool json,
         Result<std::string> (*format)(std::string_view)) {
  const auto answer = admin::admin_get(options, path);
  if (!answer) return complain(answer.error().message);
  if (json) {
    print_document(*answer);
    return 0;
  }
  const auto text = format(*answer);
  if (!text) return complain(text.error().message);
  std::cout << *text;
  return 0;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.') {
      out += c;
    } else {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      ((out += '%') += kHex[byte >> 4]) += kHex[byte & 15];
    }
  }
  return out;
}

// "/api/v1/stacks?pool=python&pid=7"
std::string filtered(const std::string& path, const WorkerChoice& choice) {
  std::string query;
  if (!choice.pool.empty()) query += "&pool=" + percent_encoded(choice.pool);
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
