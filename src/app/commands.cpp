#include "app/commands.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/compose.hpp"
#include "app/route_lookup.hpp"
#include "app/server.hpp"
#include "app/version.hpp"
#include "base/ascii.hpp"
#include "base/log.hpp"
#include "config/load.hpp"
#include "handlers/catalog.hpp"
#include "http/target.hpp"
#ifdef TANDEM_HAS_PYTHON
#include "python/worker_main.hpp"
#endif

namespace tandem::app {
namespace {

using nlohmann::ordered_json;

config::LoadResult load_config(const std::string& file) {
  config::LoadOptions options(process_environment());
  for (const auto& entry : handlers::catalog()) options.native_endpoints.emplace_back(entry.name);
  return config::load(file, options);
}

// Connections, lanes and files: as many descriptors as the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string joined(const std::vector<std::string>& words, std::string_view none) {
  if (words.empty()) return std::string(none);
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

std::string format_share(const config::RouteConfig& route, const config::ArmConfig& arm) {
  double sum = 0;
  for (const auto& each : route.arms) sum += each.weight;
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g%%", 100 * arm.weight / sum);
  return text;
}

// Columns as wide as their widest cell.
void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
    std::cout << line << "\n";
  }
}

ordered_json endpoint_json(const config::EndpointConfig& endpoint) {
  ordered_json document;
  document["backend"] = format_backend(endpoint.backend);
  document["endpoint"] = endpoint.endpoint;
  if (!endpoint.pool.empty()) document["pool"] = endpoint.pool;
  return document;
}

class NoBody final : public http::RequestBody {
 public:
  std::optional<std::uint64_t> content_length() const override { return 0; }
  bool limit(std::uint64_t) override { return true; }
  std::optional<std::string_view> buffered() override { return std::string_view{}; }
  Task<Result<std::string_view>> read_all() override { co_return std::string_view{}; }
  Task<Result<std::string_view>> read() override { co_return std::string_view{}; }
  void abandon() override {}
};

// Where an experiment would send the request, from a client on this machine, with the weights of the file: a running server
// may have others.
ordered_json explain_experiment(const experiment::ExperimentHandler& handler, const http::Request& request) {
  Loop loop(0);
  const service::Peer peer{.address = "127.0.0.1", .is_loopback = true};
  service::Call call(loop, peer);
  experiment::Key key;
  const auto layout = handler.experiment().layout();
  const auto assignment = handler.assign(request, call, *layout, key);
  ordered_json document;
  document["id"] = handler.settings().id;
  document["arm"] = handler.arms()[assignment.arm].name;
  document["assigned_by"] = experiment::format_assigned_by(assignment.by);
  document["key"] = assignment.source;
  document["bucket"] = assignment.bucket;
  document["epoch"] = layout->epoch;
  document["explain"] = handler.explain(assignment, key.is_minted, *layout);
  return document;
}

// For good: the groups first, since afterwards nobody may change them.
Result<void> become_user(const std::string& name) {
  const passwd* const user = ::getpwnam(name.c_str());
  if (user == nullptr) return Error("this machine has no user \"" + name + "\"");
  if (::geteuid() != 0 && ::geteuid() == user->pw_uid) return {};
  if (::initgroups(name.c_str(), user->pw_gid) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)
    return Error("can't become the user \"" + name + "\": " + std::strerror(errno));
  return {};
}

std::string format_timeout(Milliseconds duration) {
  if (duration == pool::kNoTimeout) return "none";
  return duration.count() % 1000 == 0 ? std::to_string(duration.count() / 1000) + "s"
                                      : std::to_string(duration.count()) + "ms";
}

}  // namespace

std::optional<config::Config> load_or_complain(const std::string& file) {
  auto loaded = load_config(file);
  for (const auto& line : loaded.lines()) std::cerr << line << "\n";
  if (!loaded.config)
    std::cerr << "tandem: " << file << " has " << loaded.problems.size()
              << (loaded.problems.size() == 1 ? " error\n" : " errors\n");
  return std::move(loaded.config);
}

pool::WorkerProgram worker_program() {
  pool::WorkerProgram program;
  program.executable = "/proc/self/exe";  // this build, even when the file on disk has been replaced since
  program.arguments = {"worker"};
#ifdef TANDEM_HAS_PYTHON
  program.run = [](int control, std::vector<int> lanes) { return python::worker_main(control, std::move(lanes), true); };
#endif
  return program;
}

bool prepare_process(const config::LogConfig& log) {
  LogOptions options;
  options.level = log.level;
  options.style = log.format == "json" ? LogStyle::json : LogStyle::text;
  options.file = log.file;
  try {
    set_up_log(options);
  } catch (const std::exception& error) {
    std::cerr << "tandem: can't open the log: " << error.what() << "\n";
    return false;
  }
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  return true;
}

void leave(const Error& error) {
  std::cerr << "tandem: " << error.message << "\n";
  std::cerr.flush();
  ::_exit(error.code == "listen.failed" ? kFailed : kBadConfig);
}

int run_command(const ServeCommand& command) {
  auto config = load_or_complain(command.config);
  if (!config) return kBadConfig;
  if (auto applied = config::apply(command.overrides, *config); !applied) {
    std::cerr << "tandem: " << applied.error().message << "\n";
    return kBadConfig;
  }
  const auto read_again = [command] {
    auto loaded = load_config(command.config);
    if (!loaded.config) return loaded;
    if (const auto applied = config::apply(command.overrides, *loaded.config); !applied) {
      config::Problem problem;
      problem.message = applied.error().message;
      loaded.problems.push_back(std::move(problem));
      loaded.config.reset();
    }
    return loaded;
  };
  if (!prepare_process(config->log)) return kFailed;
  Server server(std::move(*config), handlers::catalog(), worker_program(), read_again);
  if (auto started = server.start(); !started) leave(started.error());
  return server.run([&] { std::cout << server.banner() << std::flush; });
}

int run_command(const CheckCommand& command) {
  const auto config = load_or_complain(command.config);
  if (!config) return kBadConfig;
  std::cout << command.config << " is fine: " << config->routes.size() << " routes, " << config->listen.size()
            << (config->listen.size() == 1 ? " listener\n" : " listeners\n");
  return 0;
}

int run_command(const RoutesCommand& command) {
  const auto config = load_or_complain(command.config);
  if (!config) return kBadConfig;
  if (command.json) {
    auto routes = ordered_json::array();
    for (const auto& route : config->routes) {
      ordered_json document;
      document["path"] = route.path;
      document["name"] = route.name;
      const auto methods = effective_methods(route);
      document["methods"] = methods.empty() ? std::vector<std::string>{"*"} : methods;
      auto arms = ordered_json::array();
      for (const auto& arm : route.arms) {
        auto entry = endpoint_json(arm.endpoint);
        if (route.is_twin) {
          entry["arm"] = arm.name;
          entry["weight"] = arm.weight;
        }
        arms.push_back(std::move(entry));
      }
      document[route.is_twin ? "arms" : "endpoint"] = route.is_twin ? arms : arms.front();
      routes.push_back(std::move(document));
    }
    std::cout << routes.dump(2) << "\n";
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {{"PATH", "METHODS", "ARM", "SHARE", "BACKEND", "ENDPOINT"}};
  for (const auto& route : config->routes)
    for (std::size_t i = 0; i < route.arms.size(); ++i) {
      const auto& arm = route.arms[i];
      rows.push_back({i == 0 ? route.path : "", i == 0 ? joined(effective_methods(route), "any") : "",
                      route.is_twin ? arm.name : "-", route.is_twin ? format_share(route, arm) : "100%",
                      std::string(format_backend(arm.endpoint.backend)), arm.endpoint.endpoint});
    }
  print_table(rows);
  return 0;
}

int run_command(const ExplainCommand& command) {
  const auto config = load_or_complain(command.config);
  if (!config) return kBadConfig;
  const auto composed = ComposedTable::make(
      *config, [](const auto&, auto) { return Result<const service::Handler*>(&signpost()); },
      [](const experiment::Settings& settings) { return experiment::begin_experiment(settings, 1, nullptr); }, nullptr);
  if (!composed) {
    std::cerr << "tandem: " << composed.error().message << "\n";
    return kBadConfig;
  }
  http::Request request;
  NoBody body;
  request.body = &body;
  request.method_text = command.method;
  request.method = http::parse_method(command.method);
  request.target = command.url;
  const auto target = http::parse_target(command.url, false, request.method == http::Method::options);
  if (!target) {
    std::cerr << "tandem: " << command.url << ": " << target.error().message << "\n";
    return kBadConfig;
  }
  request.path = target->path;
  request.query = target->query;
  for (const auto& [name, value] : command.headers) request.headers.add(http::parse_field(name), name, value);

  const auto match = (*composed)->table().match(request);
  ordered_json answer;
  answer["method"] = command.method;
  answer["path"] = request.path;
  if (!match.route) {
    const bool unknown = request.method == http::Method::other && !(*composed)->table().lists_method(request.method_text);
    answer["status"] = unknown ? 501 : match.allow.empty() ? 404 : match.options ? 204 : 405;
    answer["why"] = unknown               ? "no route knows this method"
                    : match.allow.empty() ? "no route matches this path"
                                          : "the path is known, for " + match.allow;
    if (!match.allow.empty()) answer["allow"] = match.allow;
  } else {
    const auto& route = *std::find_if(config->routes.begin(), config->routes.end(), [&](const auto& each) {
      return each.path == match.route->pattern.text && each.name == match.route->name;
    });
    answer["route"] = route.name;
    answer["pattern"] = route.path;
    auto params = ordered_json::object();
    for (const auto& param : request.path_params) params[std::string(param.name)] = param.value;
    if (!params.empty()) answer["path_params"] = params;
    const auto pin = request.headers.find(http::Field::tandem_arm);
    const auto policy = route.pin.value_or(config->pin);
    const bool forwarded = request.headers.find(http::Field::forwarded).data() != nullptr ||
                           request.headers.find(http::Field::x_forwarded_for).data() != nullptr;
    const bool token = !config->pin_token.empty() && request.headers.find("tandem-override") == config->pin_token;
    const bool may_pin = policy == config::PinPolicy::open || (policy != config::PinPolicy::off && token) ||
                         (policy == config::PinPolicy::loopback && !forwarded);
    auto arms = ordered_json::array();
    for (const auto& arm : route.arms) {
      auto entry = endpoint_json(arm.endpoint);
      if (route.is_twin) {
        entry["arm"] = arm.name;
        entry["share"] = format_share(route, arm);
        if (pin == arm.name && may_pin) entry["pinned"] = true;
      }
      const auto timeout = arm.endpoint.timeout ? arm.endpoint.timeout : route.timeout;
      if (timeout)
        entry["timeout"] = format_timeout(*timeout);
      else if (const auto pool = config->pools.find(arm.endpoint.pool); pool != config->pools.end())
        entry["timeout"] = format_timeout(pool->second.timeout);
      arms.push_back(std::move(entry));
    }
    answer["arms"] = arms;
    if (pin.data() != nullptr && route.is_twin)
      answer["pin"] = !may_pin ? "denied: the pin policy of this route does not allow it"
                      : policy == config::PinPolicy::loopback && !token ? "taken, from a client on this machine"
                                                                        : "taken";
    for (const auto& handler : (*composed)->experiments())
      if (&handler == match.route->handler) answer["experiment"] = explain_experiment(handler, request);
    if (match.route->body_bytes == UINT64_MAX)
      answer["body_bytes"] = "no limit";
    else
      answer["body_bytes"] = match.route->body_bytes;
    answer["why"] = "the most specific route of this path that answers " + command.method;
  }
  if (command.json) {
    std::cout << answer.dump(2) << "\n";
    return 0;
  }
  for (const auto& [key, value] : answer.items()) {
    if (key == "arms") {
      for (const auto& arm : value) {
        std::string line = arm.contains("arm")
                               ? "arm " + arm["arm"].get<std::string>() + " (" + arm["share"].get<std::string>() + ")"
                               : "endpoint";
        line += ": " + arm["backend"].get<std::string>() + " " + arm["endpoint"].get<std::string>();
        if (arm.contains("timeout")) line += ", timeout " + arm["timeout"].get<std::string>();
        if (arm.contains("pinned")) line += ", pinned by the request";
        std::cout << line << "\n";
      }
    } else if (key == "experiment") {
      std::cout << "experiment " << value["id"].get<std::string>() << ": arm " << value["arm"].get<std::string>() << " by "
                << value["assigned_by"].get<std::string>() << " (" << value["explain"].get<std::string>() << ")\n";
    } else if (key == "path_params") {
      for (const auto& [name, param] : value.items()) std::cout << "{" << name << "}: " << param.get<std::string>() << "\n";
    } else {
      std::cout << key << ": " << (value.is_string() ? value.get<std::string>() : value.dump()) << "\n";
    }
  }
  return 0;
}

int run_command(const VersionCommand& command) {
  const auto facts = build_facts();
  if (command.json) {
    std::cout << ordered_json{{"version", facts.version},
                              {"compiler", facts.compiler},
                              {"build_type", facts.build_type},
                              {"boost", facts.boost},
                              {"python", facts.python}}
                     .dump(2)
              << "\n";
    return 0;
  }
  std::cout << "tandem " << facts.version << "\ncompiler " << facts.compiler << "\nbuild " << facts.build_type << "\nBoost "
            << facts.boost << "\nPython " << facts.python << "\n";
  return 0;
}

int run_command([[maybe_unused]] const WorkerCommand& command) {
#ifdef TANDEM_HAS_PYTHON
  if (!command.user.empty())
    if (const auto become = become_user(command.user); !become) {
      std::cerr << become.error().message << "\n";
      return kFailed;
    }
  ::prctl(PR_SET_NAME, "tandem-worker");
  std::vector<int> lanes;
  for (unsigned i = 0; i < command.lanes; ++i) lanes.push_back(command.control_fd + 1 + static_cast<int>(i));
  return python::worker_main(command.control_fd, std::move(lanes), false);
#else
  std::cerr << "tandem: this build has no Python\n";
  return kFailed;
#endif
}

}  // namespace tandem::app
