#include "app/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "app/compare_options.hpp"
#include "app/option_values.hpp"
#include "app/run_options.hpp"
#include "base/ascii.hpp"
#include "config/listen.hpp"
#include "config/suggest.hpp"

namespace tandem::app {
namespace {

constexpr const char* kDefaultConfigs[] = {"config/tandem.json", "/etc/tandem/tandem.json"};
constexpr int kBadUsage = 2;

// A message for the user; CLI11 takes the text of any of its own exceptions.
[[noreturn]] void refuse(const std::string& message) { throw CLI::ValidationError(message); }

// The options as they were typed.
struct Typed {
  std::string config;
  std::vector<std::string> listen;
  std::string admin;
  std::string threads;
  std::string workers;
  std::string log_level;
  std::string method;
  std::string url;
  std::vector<std::string> headers;
  std::string admin_url = kDefaultAdmin;
  WorkerChoice choice;
  std::string route;
  std::vector<std::string> weights;
  std::string arm;
  std::string reason;
  std::uint64_t revision = 0;
  bool dry_run = false;
  bool advance = false;
  bool approve = false;
  std::string since;
  std::string audit_file;
  std::vector<std::string> state_files;
  std::vector<std::string> replicas;
  std::size_t samples = 3;
  bool markdown = false;
  bool html = false;
  std::string output;
  bool verify = false;
  bool json = false;
  bool once = false;
  int control_fd = 3;
  unsigned lanes = 0;
  std::string user;
};

std::string config_or_default(const std::string& config) {
  if (!config.empty()) return config;
  for (const char* candidate : kDefaultConfigs)
    if (std::filesystem::exists(candidate)) return candidate;
  refuse(std::string("no config file: neither ") + kDefaultConfigs[0] + " (in " + std::filesystem::current_path().string() +
         ") nor " + kDefaultConfigs[1] + " exists, and none is named");
}

template <class T>
T or_refuse(Result<T> result) {
  if (!result) refuse(result.error().message);
  return std::move(*result);
}

ServeCommand serve(const Typed& typed) {
  ServeCommand command;
  for (const auto& text : typed.listen) {
    command.overrides.listen.push_back(or_refuse(parse_address("--listen", text)));
    for (std::size_t i = 0; i + 1 < command.overrides.listen.size(); ++i)
      if (config::is_same_address(command.overrides.listen[i], command.overrides.listen.back()))
        refuse("--listen: \"" + text + "\" is given twice");
  }
  if (!typed.admin.empty()) command.overrides.admin = or_refuse(parse_address("--admin", typed.admin));
  if (!typed.threads.empty()) command.overrides.threads = or_refuse(parse_count("--threads", typed.threads));
  if (!typed.workers.empty()) command.overrides.workers = or_refuse(parse_count("--workers", typed.workers));
  if (!typed.log_level.empty()) command.overrides.log_level = or_refuse(parse_level("--log-level", typed.log_level));
  command.config = config_or_default(typed.config);
  return command;
}

ExplainCommand explain(const Typed& typed) {
  ExplainCommand command;
  if (!ascii::is_token(typed.method)) refuse("\"" + typed.method + "\" is no request method");
  const bool is_url = typed.url.rfind("http://", 0) == 0 || typed.url.rfind("https://", 0) == 0;
  if (!is_url && typed.url.rfind('/', 0) != 0 && typed.url != "*")
    refuse("expected a URL or a path that begins with \"/\", got \"" + typed.url + "\"");
  command.method = typed.method;
  command.url = typed.url;
  for (const auto& header : typed.headers) {
    const auto colon = header.find(':');
    const auto name = header.substr(0, colon);
    if (colon == std::string::npos || !ascii::is_token(name)) refuse("-H: expected 'name: value', got '" + header + "'");
    command.headers.emplace_back(name, ascii::trim(std::string_view(header).substr(colon + 1)));
  }
  command.config = config_or_default(typed.config);
  command.json = typed.json;
  return command;
}

std::string admin_of(const Typed& typed) {
  auto url = typed.admin_url;
  if (url.rfind("unix:", 0) == 0 && url.size() > 5) return url;
  if (url.find("://") == std::string::npos) url = "http://" + url;
  while (url.back() == '/') url.pop_back();
  if (url.rfind("http://", 0) != 0 || url.find_first_of("/?#", 7) != std::string::npos || url.size() == 7)
    refuse("--admin: expected http://HOST:PORT or unix:PATH, got \"" + typed.admin_url + "\"");
  return url;
}

// "cpp=5", "cpp=0.5%"
std::pair<std::string, std::string> parse_weight(const std::string& text) {
  const auto equals = text.rfind('=');
  auto number = equals == std::string::npos ? "" : text.substr(equals + 1);
  if (number.ends_with('%')) number.pop_back();
  char* end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  if (equals == 0 || number.empty() || *end != '\0' || !(value >= 0) || value > 1e9)
    refuse("expected an arm and its weight, such as cpp=5 or cpp=5%, got \"" + text + "\"");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

StateSource state_source(const Typed& typed) {
  if (typed.state_files.empty() == typed.route.empty())
    refuse(typed.route.empty() ? "say which experiment: ROUTE, its id, or --state FILE"
                               : "--state FILE says which experiment it is: leave ROUTE out");
  if (int{typed.json} + int{typed.markdown} + int{typed.html} > 1) refuse("--json, --md and --html exclude each other");
  StateSource source{typed.route, typed.state_files, typed.replicas};
  if (source.replicas.empty()) source.replicas.push_back(admin_of(typed));
  return source;
}

ExperimentCommand experiment(const Typed& typed, std::string action) {
  ExperimentCommand command;
  if (action == "ramp" && typed.advance) action = "advance";
  if (action == "ramp" && typed.approve) action = "approve";
  command.action = std::move(action);
  command.admin = admin_of(typed);
  command.route = typed.route;
  for (const auto& text : typed.weights) command.weights.push_back(parse_weight(text));
  const auto is_part = [](const auto& weight) { return weight.second.ends_with('%'); };
  if (std::any_of(command.weights.begin(), command.weights.end(), is_part)) {
    if (!std::all_of(command.weights.begin(), command.weights.end(), is_part))
      refuse("write all weights as shares (cpp=5 py=95) or all as parts of the whole (cpp=5%)");
    for (const auto& [arm, weight] : command.weights)
      if (std::strtod(weight.c_str(), nullptr) > 100)
        refuse(std::string("\"").append(arm).append("=").append(weight).append("\" is more than 100 %"));
  }
  command.arm = typed.arm;
  command.reason = typed.reason;
  command.revision = typed.revision;
  command.dry_run = typed.dry_run;
  command.json = typed.json;
  const bool changes = command.action != "ramp" && (command.action != "weights" || !command.weights.empty());
  if (changes && !command.dry_run && command.reason.find_first_not_of(" \t") == std::string::npos)
    refuse("say why with --reason TEXT: the audit log keeps it");
  if (!changes && (command.dry_run || !command.reason.empty()))
    refuse(command.action == "ramp" ? "--reason and --dry-run belong to --advance or --approve"
                                    : "say the weights: ARM=WEIGHT");
  return command;
}

// The first word that is no option; the command, if there is one.
std::string first_word(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (argv[i][0] != '-') return argv[i];
  return {};
}

std::optional<std::string> unknown_command(const CLI::App& app, const std::string& word) {
  if (word.empty()) return std::nullopt;
  std::vector<std::string> known;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == word) return std::nullopt;
    if (!command->get_group().empty()) known.push_back(command->get_name());
  }
  return "there is no command \"" + word + "\"" + config::did_you_mean(word, known);
}

}  // namespace

std::variant<CommandLine, int> parse_command_line(int argc, char** argv) {
  CLI::App app("Tandem: an HTTP server for endpoints in C++ and in Python", "tandem");
  app.require_subcommand(1);
  app.footer("\"tandem COMMAND --help\" shows the options of a command.");
  Typed typed;
  TypedRun typed_run;

  const auto add_config = [&](CLI::App* command) {
    return command->add_option("CONFIG", typed.config,
                               std::string("config file; default ") + kDefaultConfigs[0] + ", else " + kDefaultConfigs[1]);
  };
  const auto add_json = [&](CLI::App* command) { command->add_flag("--json", typed.json, "print JSON"); };
  const auto add_admin = [&](CLI::App* command) {
    command
        ->add_option("--admin", typed.admin_url,
                     std::string("admin side of the server: URL or unix:PATH; default ") + kDefaultAdmin)
        ->type_name("URL");
  };

  auto* serve_command = app.add_subcommand("serve", "run the server");
  add_config(serve_command);
  serve_command->add_option("--listen", typed.listen, "accept here instead of where the file says; may be repeated")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false);
  serve_command->add_option("--admin", typed.admin, "admin side here")->type_name("HOST:PORT");
  serve_command->add_option("--threads", typed.threads, "I/O threads, or auto")->type_name("N");
  serve_command->add_option("--workers", typed.workers, "workers of the pool \"python\", or auto")->type_name("N");
  serve_command->add_option("--log-level", typed.log_level, "trace, debug, info, warn, error, critical or off")
      ->type_name("LEVEL");

  auto* run_command = app.add_subcommand("run", "serve an ASGI or WSGI application without a config file");
  declare_run_options(*run_command, typed_run);

  auto* check_command = app.add_subcommand("check", "validate a config file and print every error in it");
  check_command->add_option("CONFIG", typed.config, "config file")->required();

  auto* routes_command = app.add_subcommand("routes", "print the route table");
  add_config(routes_command);
  add_json(routes_command);

  auto* explain_command = app.add_subcommand("explain", "say which route, arm and endpoint would serve a request, and why");
  explain_command->add_option("METHOD", typed.method, "GET, POST, …")->required();
  explain_command->add_option("URL", typed.url, "a URL, or its path and query")->required();
  add_config(explain_command);
  explain_command->add_option("-H,--header", typed.headers, "a field of the request; may be repeated")
      ->type_name("'NAME: VALUE'")
      ->allow_extra_args(false);
  add_json(explain_command);

  auto* status_command = app.add_subcommand("status", "show how a running server is");
  auto* workers_command = app.add_subcommand("workers", "show the workers of a running server");
  auto* stacks_command = app.add_subcommand("stacks", "print what the workers of a running server are doing now");
  auto* requests_command = app.add_subcommand("requests", "show the requests at the workers of a running server");
  for (auto* command : {stacks_command, requests_command}) {
    command->add_option("--pool", typed.choice.pool, "only of this pool")->type_name("POOL");
    command->add_option("--pid", typed.choice.pid, "only of this worker")->type_name("N")->check(CLI::PositiveNumber);
  }
  auto* top_command = app.add_subcommand("top", "watch a running server: routes, workers, experiments, live");
  add_admin(top_command);
  top_command->add_flag("--once", typed.once, "print what there is now, and leave; so it does where there is no terminal");
  auto* reload_command = app.add_subcommand("reload", "let a running server read its config and Python code anew");
  for (auto* command : {status_command, workers_command, stacks_command, requests_command, reload_command}) {
    add_admin(command);
    add_json(command);
  }

  const std::pair<const char*, const char*> changes[] = {
      {"weights", "show the weights of a running server's experiment, or change them"},
      {"ramp", "show where an experiment's schedule stands, or take or approve its next step"},
      {"start", "let a draft run, or begin again after a rollback"},
      {"pause", "give control all traffic until \"resume\""},
      {"resume", "go on after a pause, a hold or a rollback"},
      {"rollback", "give control all traffic for good"},
      {"conclude", "end an experiment with the weights it has, or with all for one arm"},
  };
  std::vector<CLI::App*> experiment_commands;
  for (const auto& [name, what] : changes) {
    auto* command = app.add_subcommand(name, what);
    experiment_commands.push_back(command);
    command->add_option("ROUTE", typed.route, "name of the route or id of the experiment")->required();
    if (std::string_view(name) == "weights")
      command->add_option("WEIGHTS", typed.weights, "shares of all arms, or parts of the whole with %")->type_name("ARM=W");
    if (std::string_view(name) == "conclude")
      command->add_option("--arm", typed.arm, "give this arm everything")->type_name("NAME");
    if (std::string_view(name) == "ramp") {
      auto* advance = command->add_flag("--advance", typed.advance, "take the next step now, whatever it waits for");
      command->add_flag("--approve", typed.approve, "let the next step come when its other conditions hold")
          ->excludes(advance);
    }
    command->add_option("--reason", typed.reason, "why; the audit log keeps it")->type_name("TEXT");
    command->add_option("--revision", typed.revision, "only if it is still at this revision")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
    command->add_flag("--dry-run", typed.dry_run, "show what it would do");
    add_admin(command);
    add_json(command);
  }
  auto* audit_command = app.add_subcommand("audit", "show who changed which experiment, when and why");
  audit_command->add_option("--since", typed.since, "changes from then on, such as 2026-11-23T10:00:00Z")->type_name("TIME");
  audit_command->add_flag("--verify", typed.verify, "check that no line of the log was altered or taken out");
  audit_command->add_option("--file", typed.audit_file, "check this file; asks no server")->type_name("PATH");
  add_admin(audit_command);
  add_json(audit_command);

  auto* report_command = app.add_subcommand("report", "say what an experiment has shown");
  auto* diffs_command = app.add_subcommand("diffs", "show in what the arms' answers differ");
  for (auto* command : {report_command, diffs_command}) {
    command->add_option("ROUTE", typed.route, "name of the route or id of the experiment");
    command->add_option("--state", typed.state_files, "from these saved states, merged; asks no server")->type_name("FILE");
    command->add_option("--from", typed.replicas, "from all of these replicas' admin sides, merged")->type_name("URL");
    add_admin(command);
    add_json(command);
  }
  report_command->add_flag("--md", typed.markdown, "print Markdown, for a pull request");
  report_command->add_flag("--html", typed.html, "print a page with pictures, one file, to mail");
  report_command->add_option("-o,--output", typed.output, "write to this file")->type_name("FILE");
  diffs_command->add_option("--samples", typed.samples, "pairs that are shown of each kind of difference")->type_name("N");

  TypedCompare typed_compare;
  auto* compare_command = app.add_subcommand("compare", "measure one arm against another, or one server against another");
  declare_compare_options(*compare_command, typed_compare);

  auto* version_command = app.add_subcommand("version", "print the version and what it was built with");
  add_json(version_command);
  bool version_flag = false;
  app.add_flag("--version", version_flag, "the same as the command \"version\"");

  auto* worker_command = app.add_subcommand("worker", "")->group("");
  worker_command->add_option("--fd", typed.control_fd, "")->check(CLI::Range(0, 1 << 20));
  worker_command->add_option("--lanes", typed.lanes, "")->required()->check(CLI::Range(1, 1 << 16));
  worker_command->add_option("--user", typed.user, "");

  try {
    if (const auto message = unknown_command(app, first_word(argc, argv))) refuse(*message);
    if (argc == 2 && std::string_view(argv[1]) == "--version") return CommandLine(VersionCommand{});
    if (argc == 1) {
      std::cerr << app.help();
      return kBadUsage;
    }
    app.parse(argc, argv);
    if (*serve_command) return CommandLine(serve(typed));
    if (*run_command) {
      if (const auto message = unknown_run_option(*run_command)) refuse(*message);
      return CommandLine(or_refuse(make_run_command(typed_run, process_environment(), std::filesystem::current_path())));
    }
    if (*check_command) return CommandLine(CheckCommand{typed.config});
    if (*routes_command) return CommandLine(RoutesCommand{config_or_default(typed.config), typed.json});
    if (*explain_command) return CommandLine(explain(typed));
    if (*status_command) return CommandLine(StatusCommand{admin_of(typed), typed.json});
    if (*workers_command) return CommandLine(WorkersCommand{admin_of(typed), typed.json});
    if (*stacks_command) return CommandLine(StacksCommand{admin_of(typed), typed.choice, typed.json});
    if (*requests_command) return CommandLine(RequestsCommand{admin_of(typed), typed.choice, typed.json});
    if (*top_command) return CommandLine(TopCommand{admin_of(typed), typed.once});
    if (*reload_command) return CommandLine(ReloadCommand{admin_of(typed), typed.json});
    for (auto* command : experiment_commands)
      if (*command) return CommandLine(experiment(typed, command->get_name()));
    if (*audit_command)
      return CommandLine(AuditCommand{admin_of(typed), typed.since, typed.audit_file, typed.verify, typed.json});
    if (*report_command)
      return CommandLine(ReportCommand{state_source(typed),
                                       typed.json       ? "json"
                                       : typed.markdown ? "md"
                                       : typed.html     ? "html"
                                                        : "text",
                                       typed.output});
    if (*diffs_command) return CommandLine(DiffsCommand{state_source(typed), typed.samples, typed.json});
    if (*compare_command) {
      auto command = or_refuse(make_compare_command(typed_compare));
      if (command.url.empty() && command.url_a.empty()) command.config = config_or_default(command.config);
      return CommandLine(std::move(command));
    }
    if (*worker_command) return CommandLine(WorkerCommand{typed.control_fd, typed.lanes, typed.user});
    return CommandLine(VersionCommand{typed.json});
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    std::cerr << "tandem: " << error.what() << "\n";
    const auto commands = app.get_subcommands();
    std::cerr << "Run \"tandem " << (commands.empty() ? "" : commands.front()->get_name() + " ") << "--help\" for more.\n";
    return kBadUsage;
  }
}

config::Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
}

}  // namespace tandem::app
