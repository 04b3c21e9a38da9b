// "tandem compare": one arm's answers and speed against another's, by a load of our own on a server of our own, on a running
// one, or on any two.
#include <signal.h>
#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/admin_access.hpp"
#include "app/commands.hpp"
#include "app/compare_options.hpp"
#include "app/private_server.hpp"
#include "app/process_usage.hpp"
#include "app/progress_line.hpp"
#include "app/route_lookup.hpp"
#include "app/version.hpp"
#include "base/clock.hpp"
#include "benchmark/contest.hpp"

namespace tandem::app {
namespace {

using benchmark::Opponent;
using benchmark::Orders;
using benchmark::Outcome;
using benchmark::Run;
using benchmark::Suite;
using loadgen::PlannedRequest;
using nlohmann::json;

constexpr int kInterrupted = 130;                                 // as a shell calls it
constexpr const char* kNotComparable = "compare.not_comparable";  // a route of which nothing else was to be expected

std::atomic<bool> stop{false};

void ask_to_stop(int) { stop = true; }

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  action.sa_flags = SA_RESETHAND;  // the second ends the program
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(SystemClock().wall().time_since_epoch()).count();
}

std::string joined(const std::vector<int>& numbers) {
  std::string text;
  for (const int number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

// A server with twin routes, as its admin side tells.
struct Arm {
  std::string name, backend;
};
struct TwinRoute {
  std::string name, path;
  std::vector<std::string> methods;
  std::vector<Arm> arms;
};
struct Deployment {
  std::string url;
  std::string admin;
  std::string machine;
  std::vector<TwinRoute> routes;                      // all of them, in order
  std::map<std::string, comparison::Settings> rules;  // by name, of routes that have some
  std::map<std::string, std::string> controls;        // the same
};

Result<json> ask_admin(const std::string& admin, const std::string& page) {
  const auto text = admin::admin_get(client_options(admin), page);
  if (!text) return text.error();
  auto document = json::parse(*text, nullptr, false);
  if (!document.is_object()) return Error(admin + page + " is answered with no JSON object");
  return document;
}

Result<void> read_routes(Deployment& deployment) {
  auto listed = ask_admin(deployment.admin, "/api/v1/routes");
  if (!listed) return listed.error();
  for (const auto& listing : (*listed)["routes"]) {
    TwinRoute route{
        listing.value("name", ""), listing.value("path", ""), listing.value("methods", std::vector<std::string>{}), {}};
    for (const auto& arm : listing["arms"]) route.arms.push_back({arm.value("name", ""), arm.value("backend", "")});
    deployment.routes.push_back(std::move(route));
  }
  return {};
}

// Which arm a running server's experiments trust. What it does not tell is chosen.
void read_controls(Deployment& deployment) {
  const auto listed = ask_admin(deployment.admin, "/api/v1/experiments");
  if (!listed || !listed->contains("experiments")) return;
  for (const auto& one : (*listed)["experiments"])
    if (auto control = one.value("control", ""); !control.empty())
      deployment.controls[one.value("route", "")] = std::move(control);
}

// As the server tells: it knows which processes are its own, whatever numbers they have here (in a container it is number
// 1).
std::function<std::optional<benchmark::Cost>()> cost_told_by(const std::string& admin) {
  return [admin]() -> std::optional<benchmark::Cost> {
    const auto status = ask_admin(admin, "/api/v1/status");
    if (!status || !status->contains("cpu_seconds") || !status->contains("rss_bytes")) return std::nullopt;
    return benchmark::Cost{status->value("cpu_seconds", 0.0), status->value("rss_bytes", 0.0)};
  };
}

// Of a server that tells nothing: what the system counts for its process here.
std::function<std::optional<benchmark::Cost>()> cost_of(pid_t pid) {
  if (pid <= 0 || usage_of_tree(pid).processes == 0) return {};
  return [pid]() -> std::optional<benchmark::Cost> {
    const auto usage = usage_of_tree(pid);
    if (usage.processes == 0) return std::nullopt;
    return benchmark::Cost{usage.cpu_seconds, static_cast<double>(usage.rss_bytes)};
  };
}

std::function<std::uint64_t()> revision_of(const std::string& admin) {
  return [admin]() -> std::uint64_t {
    const auto status = ask_admin(admin, "/api/v1/status");
    return status ? status->value("generation", std::uint64_t{0}) : 0;
  };
}

Result<Opponent> opponent(const std::string& url, bool allow_remote) {
  const auto target = loadgen::parse_target(url);
  if (!target) return target.error();
  const auto address = loadgen::resolve(*target);
  if (!address) return address.error();
  if (!address->is_local && !allow_remote)
    return Error("\"" + target->name +
                 "\" is another machine: a load on it could do harm. --allow-remote says that it may be loaded");
  Opponent one;
  one.subject.url = url;
  one.address = *address;
  one.host = target->host;
  return one;
}

Result<Opponent> arm_of(const Deployment& deployment, const Arm& arm, const CompareCommand& command) {
  auto one = opponent(deployment.url, command.allow_remote);
  if (!one) return one;
  one->subject.name = one->arm = arm.name;
  one->subject.backend = arm.backend;
  one->fields.emplace_back("Tandem-Arm", arm.name);
  if (!command.token.empty()) one->fields.emplace_back("Tandem-Override", command.token);
  one->cost = cost_told_by(deployment.admin);
  one->revision = revision_of(deployment.admin);
  return one;
}

// Control first: as asked for, else the experiment's, else what is not C++.
Result<std::pair<Arm, Arm>> arms_of(const Deployment& deployment, const TwinRoute& route, const CompareCommand& command) {
  const auto find = [&](const std::string& name) {
    return std::find_if(route.arms.begin(), route.arms.end(), [&](const Arm& arm) { return arm.name == name; });
  };
  auto control = route.arms.end();
  if (!command.control.empty()) {
    control = find(command.control);
    const auto candidate = find(command.candidate);
    for (const auto& [found, name] : {std::pair{control, command.control}, std::pair{candidate, command.candidate}})
      if (found == route.arms.end()) return Error("route " + route.name + " has no arm \"" + name + "\"");
    return std::pair{*control, *candidate};
  }
  if (const auto known = deployment.controls.find(route.name); known != deployment.controls.end())
    control = find(known->second);
  if (control == route.arms.end())
    control = std::find_if(route.arms.begin(), route.arms.end(), [](const Arm& arm) { return arm.backend != "native"; });
  if (control == route.arms.end()) control = route.arms.begin();
  const auto candidate =
      std::find_if(route.arms.begin(), route.arms.end(), [&](const Arm& arm) { return arm.name != control->name; });
  return std::pair{*control, *candidate};
}

// Progress of one of several runs, as a part of all.
class Stage {
 public:
  Stage(ProgressLine& line, std::size_t index, std::size_t count) : line_(line), index_(index), count_(count) {}
  void operator()(const std::string& title, const benchmark::Progress& progress) const {
    const auto all = static_cast<double>(count_);
    const auto left = progress.share > 0 && count_ > 1
                          ? Nanoseconds(static_cast<Nanoseconds::rep>(static_cast<double>(progress.left.count()) /
                                                                      (1 - std::min(progress.share, 0.99)) *
                                                                      (all - static_cast<double>(index_) - progress.share)))
                          : progress.left;
    line_.show((title.empty() ? "" : title + ", ") + progress.doing, (static_cast<double>(index_) + progress.share) / all,
               left);
  }

 private:
  ProgressLine& line_;
  std::size_t index_, count_;
};

Result<Run> hold(const CompareCommand& command, std::string title, std::string machine, Opponent control, Opponent candidate,
                 comparison::Settings settings, std::vector<PlannedRequest> requests, const Stage& stage) {
  settings.ignore.insert(settings.ignore.end(), command.ignore.begin(), command.ignore.end());
  auto rules = comparison::Rules::make(settings);
  if (!rules) return Error("--ignore: " + rules.error().message);
  Orders orders(std::move(*rules), stop);
  orders.title = std::move(title);
  orders.control = std::move(control);
  orders.candidate = std::move(candidate);
  orders.requests = std::move(requests);
  orders.plan = command.plan;
  orders.is_check_only = command.is_check_only;
  orders.machine = std::move(machine);
  orders.version = std::string(version());
  orders.started_unix_ms = unix_ms();
  orders.tell = [&stage, &orders](const benchmark::Progress& progress) { stage(orders.title, progress); };
  return benchmark::hold(orders);
}

// Those that were asked for, else those beside the config, else the URL's own.
Result<std::vector<PlannedRequest>> requests_of(const CompareCommand& command, const std::string& url) {
  if (!command.requests.empty()) {
    std::string lines;
    for (const auto& line : command.requests) lines += line + "\n";
    auto requests = loadgen::parse_request_lines(lines, ".");
    if (!requests) return Error("--request: " + requests.error().message);
    return requests;
  }
  if (!command.corpus.empty()) return loadgen::read_corpus(command.corpus);
  const auto beside = std::filesystem::path(command.config).replace_extension(".requests");
  if (!command.config.empty() && std::filesystem::exists(beside)) return loadgen::read_corpus(beside.string());
  if (url.empty()) return std::vector<PlannedRequest>{};
  const auto target = loadgen::parse_target(url);
  if (!target) return target.error();
  auto targets = loadgen::expand_globs(target->path.empty() ? "/" : target->path);
  if (!targets) return targets.error();
  std::vector<PlannedRequest> requests;
  for (auto& each : *targets) requests.push_back({.method = "GET", .target = std::move(each), .headers = {}, .body = {}});
  return requests;
}

// How many requests, and which for example.
struct Unused {
  std::size_t count = 0;
  std::string example;

  void add(const PlannedRequest& request) {
    if (count++ == 0) example = request.method + " " + request.target;
  }
  // "Not sent, as no route answers: 3 requests, such as GET /x."; nothing: there are none.
  std::optional<std::string> note(const std::string& reason) const {
    if (count == 0) return std::nullopt;
    return "Not sent, as " + reason + ": " + std::to_string(count) + (count == 1 ? " request, " : " requests, such as ") +
           example + ".";
  }
};

// Requests by the route that answers them.
class Corpus {
 public:
  static Result<Corpus> make(const CompareCommand& command, const Deployment& deployment) {
    std::vector<RouteLookup::Entry> entries;
    for (const auto& route : deployment.routes) entries.push_back({route.name, route.path, route.methods});
    auto lookup = RouteLookup::make(entries);
    if (!lookup) return lookup.error();
    Corpus corpus;
    corpus.requests_.resize(entries.size());
    auto requests = requests_of(command, command.url);
    if (!requests) return requests.error();
    for (auto& request : *requests) {
      const auto route = lookup->find(request.method, request.target);
      if (!route)
        corpus.strangers_.add(request);
      else if (deployment.routes[*route].arms.size() < 2)
        corpus.single_.add(request);
      else
        corpus.requests_[*route].push_back(std::move(request));
    }
    return corpus;
  }

  bool names(std::size_t route) const { return !requests_[route].empty(); }

  // Of requests that no comparison sends.
  std::vector<std::string> notes() const {
    std::vector<std::string> notes;
    if (auto note = strangers_.note("no route answers")) notes.push_back(std::move(*note));
    if (auto note = single_.note("the route has one endpoint only")) notes.push_back(std::move(*note));
    return notes;
  }
  // The same, when that route alone is compared.
  std::vector<std::string> notes_for(std::size_t index) const {
    auto all = notes();
    Unused others;
    for (std::size_t i = 0; i < requests_.size(); ++i)
      for (const auto& request : requests_[i])
        if (i != index) others.add(request);
    if (auto note = others.note("another route is compared")) all.push_back(std::move(*note));
    return all;
  }

  // Those of a route; a route with one path has one without being told.
  Result<std::vector<PlannedRequest>> of(const TwinRoute& route, std::size_t index) const {
    if (!requests_[index].empty()) return requests_[index];
    const bool is_fixed = route.path.find_first_of("{*") == std::string::npos;
    const bool takes_get = route.methods == std::vector<std::string>{"*"} ||
                           std::find(route.methods.begin(), route.methods.end(), "GET") != route.methods.end();
    if (is_fixed && takes_get)
      return std::vector<PlannedRequest>{{.method = "GET", .target = route.path, .headers = {}, .body = {}}};
    auto message = "there is no request for " + route.path + ": give one with --request or --corpus";
    if (strangers_.count > 0) message += " (no route answers " + strangers_.example + ")";
    return Error(kNotComparable, message);
  }

 private:
  std::vector<std::vector<PlannedRequest>> requests_;  // by route
  Unused strangers_;                                   // no route answers them
  Unused single_;                                      // their route is no twin
};

Result<Run> compare_route(const CompareCommand& command, const Deployment& deployment, std::size_t index,
                          const Corpus& corpus, const Stage& stage) {
  const auto& route = deployment.routes[index];
  auto requests = corpus.of(route, index);
  if (!requests) return requests.error();
  const auto arms = arms_of(deployment, route, command);
  if (!arms) return arms.error();
  auto control = arm_of(deployment, arms->first, command), candidate = arm_of(deployment, arms->second, command);
  if (!control) return control.error();
  if (!candidate) return candidate.error();
  const auto first = loadgen::fetch(control->address, make_wire_request(requests->front(), control->host, control->fields),
                                    command.plan.timeout);
  if (first && first->status == 426) return Error(kNotComparable, "it is a WebSocket");
  const auto rules = deployment.rules.find(route.name);
  auto run = hold(command, route.name, deployment.machine, std::move(*control), std::move(*candidate),
                  rules == deployment.rules.end() ? comparison::Settings{} : rules->second, std::move(*requests), stage);
  if (run && route.arms.size() > 2)
    run->notes.push_back("The route has " + std::to_string(route.arms.size()) +
                         " arms; --arms chooses which two are compared.");
  return run;
}

int exit_code(const CompareCommand& command, const std::vector<Run>& runs) {
  auto worst = Outcome::pass;
  bool is_different = false, is_interrupted = false;
  for (const auto& run : runs) {
    const auto outcome = judge(run, evaluate(run), command.fail_if);
    const auto rank = [](Outcome each) {
      return each == Outcome::invalid ? 2 : each == Outcome::fail ? 3 : each == Outcome::undecided ? 1 : 0;
    };
    if (rank(outcome) > rank(worst)) worst = outcome;
    is_different = is_different || (run.answers && run.answers->different + run.answers->failed > 0);
    is_interrupted = is_interrupted || run.is_interrupted;
  }
  if (is_interrupted) return kInterrupted;
  if (command.is_check_only && is_different) return kFailed;
  return static_cast<int>(worst);
}

int print(const CompareCommand& command, const Run& run) {
  const auto findings = evaluate(run);
  const auto text = command.format == "json"   ? to_json(run, findings)
                    : command.format == "md"   ? to_markdown(run, findings)
                    : command.format == "html" ? to_html(run, findings)
                                               : to_text(run, findings);
  const int delivered = deliver(text, command.output);
  return delivered != 0 ? delivered : exit_code(command, {run});
}

int print(const CompareCommand& command, const Suite& suite) {
  const auto text = command.format == "json"   ? to_json(suite)
                    : command.format == "md"   ? to_markdown(suite)
                    : command.format == "html" ? to_html(suite)
                                               : to_text(suite);
  const int delivered = deliver(text, command.output);
  if (delivered != 0) return delivered;
  // Said beside the document, too: a table of what went well looks complete.
  for (const auto& one : suite.skipped) std::cerr << "not measured: " << one.route << ": " << one.why << "\n";
  const int code = exit_code(command, suite.runs);
  const bool has_failed =
      std::any_of(suite.skipped.begin(), suite.skipped.end(), [](const auto& one) { return one.is_failure; });
  return has_failed && code != kInterrupted ? kFailed : code;
}

int compare_suite(const CompareCommand& command, const Deployment& deployment, const Corpus& corpus) {
  ProgressLine line;
  Suite suite;
  suite.title = command.config;
  const auto count = static_cast<std::size_t>(std::count_if(deployment.routes.begin(), deployment.routes.end(),
                                                            [](const TwinRoute& route) { return route.arms.size() > 1; }));
  std::size_t number = 0;
  for (std::size_t i = 0; i < deployment.routes.size() && !stop; ++i) {
    if (deployment.routes[i].arms.size() < 2) continue;
    const Stage stage(line, number++, count);
    auto run = compare_route(command, deployment, i, corpus, stage);
    if (run)
      suite.runs.push_back(std::move(*run));
    else
      suite.skipped.push_back({deployment.routes[i].name, run.error().message, run.error().code != kNotComparable});
  }
  suite.notes = corpus.notes();
  line.clear();
  if (suite.runs.empty() && suite.skipped.empty()) return complain(command.config + " has no twin route");
  return print(command, suite);
}

// By its name or its path.
Result<std::size_t> find_route(const Deployment& deployment, const std::string& wanted) {
  std::string known;
  for (std::size_t i = 0; i < deployment.routes.size(); ++i) {
    const auto& route = deployment.routes[i];
    if (route.arms.size() > 1) known += (known.empty() ? "" : ", ") + route.name;
    if (route.name != wanted && route.path != wanted) continue;
    if (route.arms.size() < 2) return Error("route " + wanted + " has one endpoint only: nothing to compare it with");
    return i;
  }
  return Error("there is no route \"" + wanted + "\"; twin routes are " + (known.empty() ? "none" : known));
}

int compare_one(const CompareCommand& command, const Deployment& deployment, std::size_t index, const Corpus& corpus) {
  ProgressLine line;
  const Stage stage(line, 0, 1);
  auto run = compare_route(command, deployment, index, corpus, stage);
  // A file beside the config is for all of its routes; who names requests wants them sent.
  if (run && (!command.requests.empty() || !command.corpus.empty()))
    for (auto& note : corpus.notes_for(index)) run->notes.push_back(std::move(note));
  line.clear();
  return run ? print(command, *run) : complain(run.error().message);
}

int compare_private(const CompareCommand& command) {
  const auto config = load_or_complain(command.config);
  if (!config) return kBadConfig;
  const auto cpus = usable_cpus();
  const bool is_apart = cpus.size() > 1;
  auto server =
      PrivateServer::start(command.config, is_apart ? std::vector<int>(cpus.begin() + 1, cpus.end()) : std::vector<int>{});
  if (!server) return complain(server.error().message);
  if (is_apart) run_on_cpu(cpus.front());
  Deployment deployment;
  deployment.url = server->url();
  deployment.admin = server->admin();
  deployment.machine = is_apart ? "generator on CPU " + std::to_string(cpus.front()) + ", server on CPU " +
                                      joined({cpus.begin() + 1, cpus.end()})
                                : "generator and server share one CPU";
  if (auto read = read_routes(deployment); !read) return complain(read.error().message);
  for (const auto& route : config->routes)
    if (route.experiment) {
      deployment.rules[route.name] = route.experiment->compare;
      deployment.controls[route.name] = route.experiment->control;
    }
  const auto corpus = Corpus::make(command, deployment);
  if (!corpus) return complain(corpus.error().message);
  if (command.is_suite) return compare_suite(command, deployment, *corpus);
  const auto route = find_route(deployment, command.route);
  return route ? compare_one(command, deployment, *route, *corpus) : complain(route.error().message);
}

int compare_running(const CompareCommand& command) {
  Deployment deployment;
  deployment.url = command.url;
  deployment.admin = command.admin;
  deployment.machine = "generator and server share " + std::to_string(usable_cpus().size()) + " CPUs";
  if (auto read = read_routes(deployment); !read)
    return complain(read.error().message + "\nits admin side tells the routes and their arms: --admin URL");
  read_controls(deployment);
  const auto corpus = Corpus::make(command, deployment);
  if (!corpus) return complain(corpus.error().message);
  for (std::size_t i = 0; i < deployment.routes.size(); ++i)
    if (deployment.routes[i].arms.size() > 1 && corpus->names(i)) return compare_one(command, deployment, i, *corpus);
  return complain("no twin route of " + command.admin + " answers " + command.url);
}

// Any two servers: nothing is known of them but what they answer.
int compare_servers(const CompareCommand& command) {
  auto control = opponent(command.url_a, command.allow_remote), candidate = opponent(command.url_b, command.allow_remote);
  if (!control) return complain("--a: " + control.error().message);
  if (!candidate) return complain("--b: " + candidate.error().message);
  control->subject.name = "a";
  candidate->subject.name = "b";
  control->cost = cost_of(command.pid_a);
  candidate->cost = cost_of(command.pid_b);
  auto requests = requests_of(command, command.url_a);
  if (!requests) return complain(requests.error().message);
  ProgressLine line;
  const Stage stage(line, 0, 1);
  const auto run = hold(command, "a and b", "generator and servers share " + std::to_string(usable_cpus().size()) + " CPUs",
                        std::move(*control), std::move(*candidate), {}, std::move(*requests), stage);
  line.clear();
  return run ? print(command, *run) : complain(run.error().message);
}

}  // namespace

int run_command(const CompareCommand& command) {
  catch_interrupts();
  if (!command.url_a.empty()) return compare_servers(command);
  return command.url.empty() ? compare_private(command) : compare_running(command);
}

}  // namespace tandem::app
