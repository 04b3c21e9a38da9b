// The commands that look at and change experiments of a running server, through its admin side.
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "admin/admin_url.hpp"
#include "admin/experiment_tables.hpp"
#include "app/admin_access.hpp"
#include "app/commands.hpp"
#include "steering/audit_log.hpp"

namespace tandem::app {
namespace {

using Json = nlohmann::ordered_json;

std::string path_of(const ExperimentCommand& command) {
  return "/api/v1/experiments/" + admin::percent_encoded(command.route);
}

bool is_look(const ExperimentCommand& command) {
  return (command.action == "weights" && command.weights.empty()) || command.action == "ramp";
}

// "5" is a share, "5%" a part of the whole: with those control may be left out.
Json weights_body(const ExperimentCommand& command) {
  Json body = Json::object();
  for (const auto& [arm, weight] : command.weights) {
    const double number = std::strtod(weight.c_str(), nullptr);
    if (weight.ends_with('%'))
      body["weights_bp"][arm] = std::lround(number * 100);
    else
      body["weights"][arm] = number;
  }
  return body;
}

admin::AdminQuestion question_of(const ExperimentCommand& command) {
  admin::AdminQuestion question{command.action == "weights" ? "PATCH" : "POST", path_of(command) + "/" + command.action};
  if (command.dry_run) question.path += "?dry_run=1";
  Json body = command.action == "weights" ? weights_body(command) : Json::object();
  if (!command.reason.empty()) body["reason"] = command.reason;
  if (!command.arm.empty()) body["arm"] = command.arm;
  question.body = body.dump();
  if (command.revision != 0) question.if_match = "\"" + std::to_string(command.revision) + "\"";
  return question;
}

int verify(const std::string& lines) {
  const auto summary = steering::verify_audit(lines);
  if (!summary) return complain("the audit log is broken: " + summary.error().message);
  std::cout << "the chain of " << summary->lines << " lines is whole; the last one's hash is " << summary->last_hash << "\n";
  return 0;
}

}  // namespace

int run_command(const ExperimentCommand& command) {
  const auto options = client_options(command.admin);
  if (is_look(command))
    return show(options, path_of(command), command.json,
                command.action == "ramp" ? admin::format_schedule : admin::format_experiment);
  const auto answer = admin::admin_ask(options, question_of(command));
  if (!answer) return complain(answer.error().message);
  if (answer->status != 200) {
    if (command.json) print_document(answer->body);
    return complain(options.url + " " + admin::describe_refusal(*answer));
  }
  if (command.json) {
    print_document(answer->body);
    return 0;
  }
  const bool is_schedule = command.action == "advance" || command.action == "approve";
  const auto text = command.dry_run ? admin::format_preview(answer->body)
                    : is_schedule   ? admin::format_schedule(answer->body)
                                    : admin::format_experiment(answer->body);
  if (!text) return complain(text.error().message);
  std::cout << *text;
  return 0;
}

int run_command(const AuditCommand& command) {
  if (!command.file.empty()) {
    std::ifstream file(command.file);
    if (!file) return complain("can't read " + command.file);
    return verify({std::istreambuf_iterator<char>(file), {}});
  }
  const auto options = client_options(command.admin);
  if (command.verify) {
    const auto lines = admin::admin_get(options, "/api/v1/audit?format=jsonl");
    return lines ? verify(*lines) : complain(lines.error().message);
  }
  const auto query = command.since.empty() ? "" : "?since=" + admin::percent_encoded(command.since);
  return show(options, "/api/v1/audit" + query, command.json, admin::format_audit);
}

}  // namespace tandem::app
