#include "app/compare_options.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "app/option_values.hpp"
#include "loadgen/target.hpp"

namespace tandem::app {

namespace {

// "p99=20ms", "p99.9=1s"
Result<benchmark::Goal> parse_goal(const std::string& text) {
  const Error malformed("--slo: expected a quantile and a limit, such as p99=20ms, got \"" + text + "\"");
  const auto equals = text.find('=');
  if (text.empty() || text[0] != 'p' || equals == std::string::npos) return malformed;
  char* end = nullptr;
  const auto number = text.substr(1, equals - 1);
  const double percent = std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0' || !(percent > 0 && percent < 100)) return malformed;
  const auto limit = parse_seconds("--slo", text.substr(equals + 1));
  if (!limit || limit->count() == 0) return malformed;
  return benchmark::Goal{percent / 100, *limit, text};
}

Result<void> read_duration(const char* option, const std::string& text, Nanoseconds& value) {
  if (text.empty()) return {};
  const auto duration = parse_seconds(option, text);
  if (!duration) return duration.error();
  value = *duration;
  return {};
}

// A suite is a glance at many routes, a single comparison a measurement.
void set_defaults(const TypedCompare& typed, benchmark::Plan& plan) {
  if (typed.suite) {
    plan.pairs = 6;
    plan.calibration_pairs = 1;
    plan.block = std::chrono::seconds(1);
    plan.washout = Milliseconds(200);
    plan.timeout = std::chrono::seconds(5);
  }
  plan.seed = typed.seed;
  plan.rate = typed.rate;
  if (typed.pairs > 0) plan.pairs = typed.pairs;
  if (typed.connections > 0) plan.connections = typed.connections;
  if (typed.calibration) plan.calibration_pairs = *typed.calibration;
}

Result<benchmark::Plan> make_plan(const TypedCompare& typed) {
  benchmark::Plan plan;
  set_defaults(typed, plan);
  for (const auto& result :
       {read_duration("--duration", typed.duration, plan.block), read_duration("--washout", typed.washout, plan.washout),
        read_duration("--timeout", typed.timeout, plan.timeout)})
    if (!result) return result.error();
  if (plan.block <= Nanoseconds{0} || plan.timeout <= Nanoseconds{0})
    return Error("--duration and --timeout must be longer than 0");
  if (typed.arrivals == "constant") plan.arrivals = benchmark::Arrivals::constant;
  if (!typed.goal.empty()) {
    auto goal = parse_goal(typed.goal);
    if (!goal) return goal.error();
    plan.goal = std::move(*goal);
  }
  return plan;
}

// Which of the four ways to name the two it is.
Result<void> check_subject(const TypedCompare& typed) {
  const bool has_pair = !typed.url_a.empty() || !typed.url_b.empty();
  if (has_pair && (typed.url_a.empty() || typed.url_b.empty())) return Error("--a and --b belong together");
  if (has_pair && !typed.url.empty())
    return Error("--a and --b are two servers, --url is one with two arms: give one or the other");
  if ((has_pair || !typed.url.empty()) && (typed.suite || !typed.config.empty()))
    return Error("a config starts a server of its own: leave --url, --a and --b out, or the config and --suite");
  if (typed.suite && !typed.route.empty()) return Error("--suite runs every twin route: leave ROUTE out");
  if (!typed.suite && !has_pair && typed.url.empty() && typed.route.empty())
    return Error("say what to compare: CONFIG ROUTE, --suite [CONFIG], --url URL of a twin route, or --a URL --b URL");
  if (has_pair && typed.corpus.empty() && typed.requests.empty()) {
    const auto a = loadgen::parse_target(typed.url_a), b = loadgen::parse_target(typed.url_b);
    if (a && b && !b->path.empty() && a->path != b->path)
      return Error(
          "--a and --b have different paths, but the same requests go to both: give the servers, and the requests with "
          "--request or --corpus");
  }
  if (typed.pairs > 24) return Error("--blocks: at most 24 pairs; longer blocks (--duration) say more");
  if (typed.rate < 0) return Error("--rate: expected requests a second");
  return {};
}

}  // namespace

void declare_compare_options(CLI::App& command, TypedCompare& typed) {
  command.footer(
      "Blocks of load on one and on the other alternate, in random order; latency counts from the moment a request was "
      "due.\n"
      "Exit codes: 0 fine, 1 --fail-if holds or answers differ (--check), 2 bad usage, 3 undecided, 4 the run is invalid.");
  command.add_option("CONFIG", typed.config, "a config: a server is started for it, and stopped");
  command.add_option("ROUTE", typed.route, "name or path of its twin route");
  command.add_flag("--suite", typed.suite, "every twin route of the config, one table");
  command.add_option("--url", typed.url, "a twin route of a running server, such as http://127.0.0.1:8080/fib/20")
      ->type_name("URL");
  command.add_option("--admin", typed.admin, std::string("that server's admin side; default ") + kDefaultAdmin)
      ->type_name("URL");
  command.add_option("--arms", typed.arms, "the arms, control first")->type_name("CONTROL,CANDIDATE");
  command.add_option("--a", typed.url_a, "one server, any: the control")->type_name("URL");
  command.add_option("--b", typed.url_b, "the other: the candidate")->type_name("URL");
  command.add_option("--pid-a", typed.pid_a, "its process here: what requests cost")
      ->type_name("PID")
      ->check(CLI::PositiveNumber);
  command.add_option("--pid-b", typed.pid_b, "the other's")->type_name("PID")->check(CLI::PositiveNumber);
  command
      .add_option(
          "--corpus", typed.corpus,
          "requests to send in turn: HAR, or lines [METHOD] TARGET [-H FIELD] [-d BODY]; default CONFIG's .requests file")
      ->type_name("FILE");
  command.add_option("--request", typed.requests, "one such line, with curl's globs: '/fib/[1-25]'; may be repeated")
      ->type_name("LINE")
      ->allow_extra_args(false);
  command.add_option("--rate", typed.rate, "requests a second; default: a third of what the slower one can do alone")
      ->type_name("N");
  command.add_option("--duration", typed.duration, "of a block; default 10s, of a suite 1s")->type_name("TIME");
  command.add_option("--washout", typed.washout, "at the start of a block, not counted; default 2s, of a suite 0.2s")
      ->type_name("TIME");
  command.add_option("--blocks", typed.pairs, "pairs of blocks; default 8, of a suite 6; verdicts need 6")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command.add_option("--calibration", typed.calibration, "pairs of control against itself; default 3, of a suite 1")
      ->type_name("N");
  command.add_option("--connections", typed.connections, "kept connections; default 16")
      ->type_name("N")
      ->check(CLI::Range(1, 10000));
  command.add_option("--arrivals", typed.arrivals, "poisson (default) or constant")
      ->check(CLI::IsMember({"poisson", "constant"}));
  command.add_option("--timeout", typed.timeout, "of a request; default 10s")->type_name("TIME");
  command.add_option("--slo", typed.goal, "search the highest rate that keeps it, such as p99=20ms")->type_name("GOAL");
  command.add_option("--seed", typed.seed, "of order and arrivals; default 1")->type_name("N");
  command.add_option("--ignore", typed.ignore, "a JSON path that is not compared; may be repeated")
      ->type_name("PATH")
      ->allow_extra_args(false);
  command.add_flag("--check", typed.check, "compare the answers only, without load");
  command.add_option("--fail-if", typed.fail_if, "conditions for exit code 1, such as 'p99>1.2,errors>0.01'")
      ->type_name("CONDITIONS");
  command.add_option("--token", typed.token, "a pin token of the server")->type_name("TOKEN");
  command.add_flag("--allow-remote", typed.allow_remote, "load a server on another machine, too");
  command.add_flag("--json", typed.json, "print JSON");
  command.add_flag("--md", typed.markdown, "print Markdown, for a pull request");
  command.add_flag("--html", typed.html, "print a page with pictures, one file, to mail");
  command.add_option("-o,--output", typed.output, "write to this file")->type_name("FILE");
}

Result<CompareCommand> make_compare_command(TypedCompare typed) {
  // One word that is no file is the route of the default config.
  if (!typed.suite && typed.route.empty() && !typed.config.empty() && !std::filesystem::exists(typed.config))
    typed.route = std::exchange(typed.config, {});
  if (auto checked = check_subject(typed); !checked) return checked.error();
  if (int{typed.json} + int{typed.markdown} + int{typed.html} > 1)
    return Error("--json, --md and --html exclude each other");
  CompareCommand command;
  command.config = typed.config;
  command.route = typed.route;
  command.url = typed.url;
  command.admin = typed.admin.empty() ? std::string(kDefaultAdmin) : typed.admin;
  command.url_a = typed.url_a;
  command.url_b = typed.url_b;
  command.pid_a = typed.pid_a;
  command.pid_b = typed.pid_b;
  command.corpus = typed.corpus;
  command.requests = typed.requests;
  command.token = typed.token;
  command.is_suite = typed.suite;
  command.is_check_only = typed.check;
  command.allow_remote = typed.allow_remote;
  command.ignore = typed.ignore;
  command.format = typed.json ? "json" : typed.markdown ? "md" : typed.html ? "html" : "text";
  command.output = typed.output;
  if (!typed.arms.empty()) {
    const auto comma = typed.arms.find(',');
    command.control = typed.arms.substr(0, comma);
    if (comma != std::string::npos) command.candidate = typed.arms.substr(comma + 1);
    if (command.control.empty() || command.candidate.empty() || command.control == command.candidate)
      return Error("--arms: expected two arms, control first, such as py,cpp, got \"" + typed.arms + "\"");
  }
  auto plan = make_plan(typed);
  if (!plan) return plan.error();
  command.plan = std::move(*plan);
  if (!typed.fail_if.empty()) {
    auto conditions = benchmark::parse_conditions(typed.fail_if);
    if (!conditions) return Error("--fail-if: " + conditions.error().message);
    command.fail_if = std::move(*conditions);
  }
  return command;
}

}  // namespace tandem::app
