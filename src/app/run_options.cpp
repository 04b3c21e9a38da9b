#include "app/run_options.hpp"

#include <pwd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <sstream>

#include "app/dotenv.hpp"
#include "app/option_values.hpp"
#include "app/version.hpp"
#include "base/ascii.hpp"
#include "config/application.hpp"
#include "config/check.hpp"
#include "config/cpus.hpp"
#include "config/listen.hpp"
#include "config/suggest.hpp"

namespace tandem::app {

// An option of uvicorn's or gunicorn's that Tandem has no use for. Harmless ones are passed over with a warning; where
// the user would rely on what does not happen, the command line is refused with a word on what to do instead.
struct ForeignOption {
  enum class Verdict { harmless, refused };
  const char* names;
  bool has_value;
  Verdict verdict;
  const char* text;
};

namespace {

namespace fs = std::filesystem;

using std::chrono_literals::operator""h;
constexpr auto kHarmless = ForeignOption::Verdict::harmless;
constexpr auto kRefused = ForeignOption::Verdict::refused;

constexpr const char* kNoTls = "TLS is not built yet: put a proxy that ends it in front";
constexpr const char* kOwnLimits = "heads have the limits of \"tandem serve\": 16 KiB and 100 fields together";
constexpr const char* kSystemd = "let systemd or a container do that (docs/deploy.md)";

constexpr ForeignOption kForeign[] = {
    // uvicorn
    {"--loop", true, kHarmless, "uvloop is taken when it is installed"},
    {"--http", true, kHarmless, "HTTP is read in C++"},
    {"--h11-max-incomplete-event-size", true, kHarmless, kOwnLimits},
    {"--ws", true, kHarmless, "WebSockets are read in C++"},
    {"--ws-max-queue", true, kHarmless, "a WebSocket's messages are held back by their bytes"},
    {"--backlog", true, kHarmless, "the system's own limit is used (net.core.somaxconn)"},
    {"--use-colors,--no-use-colors", false, kHarmless, "the log is in colour on a terminal only"},
    {"--server-header,--no-server-header", false, kHarmless,
     "\"Server: tandem\" is sent unless the application sends its own"},
    {"--date-header,--no-date-header", false, kHarmless, "\"Date\" is sent unless the application sends its own"},
    {"--timeout-worker-healthcheck", true, kHarmless, "workers are watched without it"},
    {"--reload-delay", true, kHarmless, "the system tells of changes at once"},
    {"--header", true, kRefused, "let the application, or the proxy in front, add it"},
    {"--log-config", true, kRefused,
     "Python's logging goes to the server's log: let the application configure what it wants"},
    {"--fd", true, kRefused, "a socket can't be handed over yet: use --listen"},
    {"--ssl-keyfile,--ssl-certfile,--ssl-keyfile-password,--ssl-version,--ssl-cert-reqs,--ssl-ca-certs,--ssl-ciphers", true,
     kRefused, kNoTls},
    // gunicorn
    {"-k,--worker-class", true, kHarmless, "every worker runs ASGI and WSGI applications; --threads is for WSGI"},
    {"--worker-connections", true, kHarmless,
     "a worker takes 1000 asynchronous requests at once; --limit-concurrency limits connections"},
    {"--preload", false, kHarmless, "each worker imports the application itself, before it takes requests"},
    {"--worker-tmp-dir", true, kHarmless, "workers need no such directory"},
    {"--reload-engine", true, kHarmless, "inotify is used"},
    {"--no-sendfile", false, kHarmless, "files travel through the worker's socket"},
    {"--reuse-port", false, kHarmless, "each I/O thread has a listening socket of its own anyway"},
    {"--capture-output", false, kHarmless, "what Python prints goes to the log anyway"},
    {"-R,--enable-stdio-inheritance", false, kHarmless, "what Python prints goes to the log anyway"},
    {"--disable-redirect-access-to-syslog", false, kHarmless, "nothing goes to syslog"},
    {"--access-logformat", true, kHarmless, "the access log has one format (docs/run.md)"},
    {"--limit-request-line", true, kHarmless, kOwnLimits},
    {"--limit-request-fields", true, kHarmless, kOwnLimits},
    {"--limit-request-field_size", true, kHarmless, kOwnLimits},
    {"-c,--config", true, kRefused,
     "gunicorn's config file is a program; the options here and \"tandem serve\" with a config file say the same "
     "(docs/from-gunicorn.md)"},
    {"-D,--daemon", false, kRefused, kSystemd},
    {"-p,--pid", true, kRefused, kSystemd},
    {"-g,--group", true, kRefused, "workers get the groups of --user"},
    {"-m,--umask", true, kRefused, kSystemd},
    {"--initgroups", false, kHarmless, "workers get all groups of --user"},
    {"--reload-extra-file", true, kRefused, "say where and which: --reload-dir and --reload-include"},
    {"--check-config,--print-config", false, kRefused, "\"tandem check\" does that for a config file"},
    {"--logger-class,--log-config-dict,--log-config-json,--log-syslog-to", true, kRefused,
     "the log goes to standard error or to --log-file"},
    {"--log-syslog,--spew,--proxy-protocol", false, kRefused, "there is no such thing here"},
    {"--paste,--paster", true, kRefused, "name the application as module:attribute"},
    {"--statsd-host,--statsd-prefix,--dogstatsd-tags", true, kRefused, "metrics are for Prometheus to fetch, at --admin"},
    {"--keyfile,--certfile,--ca-certs,--cert-reqs,--ciphers", true, kRefused, kNoTls},
};

// ---------------------------------------------------------------------------------------------------------------- building

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z') || c == '-' || c == '_' || c == '.';
  });
}

// gunicorn's short forms: "HOST" and ":PORT".
std::string full_address(std::string text) {
  if (text.starts_with("unix://")) return "unix:" + text.substr(7);
  if (text.starts_with("unix:")) return text;
  if (text.starts_with(':')) return "0.0.0.0" + text;
  if (text.find(':') == std::string::npos || text.ends_with(']')) return text + ":8000";
  return text;
}

Result<void> set_listeners(const TypedRun& typed, config::Config& config) {
  std::vector<std::pair<std::string, std::string>> addresses;  // option, address
  for (const auto& text : typed.listen) {
    if (text.starts_with("fd://")) return Error("--listen: a socket can't be handed over yet: give HOST:PORT or unix:PATH");
    addresses.emplace_back("--listen", full_address(text));
  }
  if (!typed.uds.empty()) addresses.emplace_back("--uds", "unix:" + typed.uds);
  if (!typed.host.empty() || !typed.port.empty()) {
    if (!addresses.empty()) return Error("--host and --port are one way to say where, --listen and --uds another: use one");
    const auto host = typed.host.empty() ? "127.0.0.1" : typed.host;
    const bool needs_brackets = host.find(':') != std::string::npos && !host.starts_with('[');
    addresses.emplace_back(typed.host.empty() ? "--port" : "--host",
                           (needs_brackets ? "[" + host + "]" : host) + ":" + (typed.port.empty() ? "8000" : typed.port));
  }
  if (addresses.empty()) addresses.emplace_back("--listen", "127.0.0.1:8000");
  for (const auto& [option, address] : addresses) {
    auto listen = parse_address(option, address);
    if (!listen) return listen.error();
    for (const auto& earlier : config.listen)
      if (config::is_same_address(earlier, *listen))
        return Error(std::string(option).append(": \"").append(address).append("\" is given twice"));
    config.listen.push_back(std::move(*listen));
  }
  if (!typed.admin.empty()) {
    auto listen = parse_address("--admin", typed.admin);
    if (!listen) return listen.error();
    config.admin.listen = std::move(*listen);
    if (auto checked = config::check_admin(config.admin); !checked)
      return Error("--admin: give an address of this machine only; a token needs a config file");
    if (auto checked = config::check_addresses(config.listen, config.admin); !checked)
      return Error("--admin: " + checked.error().message);
  }
  return {};
}

// The major and minor version of the interpreter this was built with: "3.11".
std::string python_version() {
  const auto version = build_facts().python;
  return version.substr(0, version.find('.', version.find('.') + 1));
}

// Why a directory can't be a pool's home, if it can't.
std::optional<std::string> why_no_home(const fs::path& home) {
  std::error_code ignored;
  if (!fs::exists(home / "bin/python3", ignored))
    return "\"" + home.string() + "\" is no virtual environment: it has no bin/python3";
  if (fs::exists(home / "pyvenv.cfg", ignored) && !fs::exists(home / "lib" / ("python" + python_version()), ignored))
    return "the virtual environment \"" + home.string() + "\" was made for another Python than " + python_version();
  return std::nullopt;
}

Result<void> set_home(const TypedRun& typed, const config::Environment& environment, const fs::path& base,
                      pool::PoolOptions& pool, std::vector<std::string>& warnings) {
  if (!typed.home.empty()) {
    const auto home = (base / typed.home).lexically_normal();
    if (const auto reason = why_no_home(home)) return Error("--home: " + *reason);
    pool.home = home.string();
  } else if (const auto active = environment("VIRTUAL_ENV"); active && !active->empty()) {
    if (const auto reason = why_no_home(*active))
      warnings.push_back(*reason + ": it is active, but the application runs without it");
    else
      pool.home = *active;
  }
  return {};
}

Result<void> set_path(const TypedRun& typed, const config::Environment& environment, const fs::path& base,
                      pool::PoolOptions& pool) {
  pool.path.clear();
  const auto add = [&](const std::string& directory) {
    pool.path.push_back((base / directory).lexically_normal().string());
  };
  const auto app_dir = typed.app_dir.empty() ? base : base / typed.app_dir;
  if (!fs::is_directory(app_dir)) return Error("--app-dir: the directory \"" + typed.app_dir + "\" does not exist");
  add(app_dir.string());
  const auto add_all = [&](const std::string& list, char separator) {
    std::istringstream parts(list);
    for (std::string part; std::getline(parts, part, separator);)
      if (!part.empty()) add(part);
  };
  add_all(typed.python_path, ',');
  add_all(environment("PYTHONPATH").value_or(""), ':');
  for (auto& directory : pool.path)
    if (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  return {};
}

Result<void> set_environment(const TypedRun& typed, const config::Environment& environment, const fs::path& base,
                             pool::PoolOptions& pool) {
  if (!typed.env_file.empty()) {
    std::ifstream file(base / typed.env_file, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file.is_open() || file.bad() || fs::is_directory(base / typed.env_file))
      return Error("--env-file: \"" + typed.env_file + "\" can't be read");
    auto variables = parse_dotenv(text.str(), environment);
    if (!variables) return Error("--env-file: " + typed.env_file + ": " + variables.error().message);
    // As python-dotenv has it: what is in the environment already stays.
    for (auto& [name, value] : *variables)
      if (!environment(name)) pool.environment[name] = std::move(value);
  }
  for (const auto& one : typed.environment) {
    const auto equals = one.find('=');
    if (equals == std::string::npos || equals == 0) return Error("--env: expected NAME=VALUE, got \"" + one + "\"");
    pool.environment[one.substr(0, equals)] = one.substr(equals + 1);
  }
  return {};
}

Result<config::EndpointConfig> application_of(const TypedRun& typed) {
  config::EndpointConfig endpoint;
  endpoint.backend = config::Backend::application;
  if (typed.interface == "wsgi") endpoint.backend = config::Backend::wsgi;
  if (typed.interface == "asgi" || typed.interface == "asgi3") endpoint.backend = config::Backend::asgi;
  if (typed.interface == "asgi2")
    return Error("--interface: ASGI 2 is not spoken here: wrap the application with asgiref's guarantee_single_callable");
  if (endpoint.backend == config::Backend::application && !typed.interface.empty() && typed.interface != "auto")
    return Error("--interface: expected auto, asgi, asgi3 or wsgi, got \"" + typed.interface + "\"");
  endpoint.endpoint = typed.target;
  auto module = typed.target.substr(0, typed.target.find(':'));
  if (module.ends_with(".py") || module.find('/') != std::string::npos) {
    if (module.ends_with(".py")) module.resize(module.size() - 3);
    if (module.starts_with("./")) module.erase(0, 2);
    std::replace(module.begin(), module.end(), '/', '.');
    const auto colon = typed.target.find(':');
    return Error("the application is named by its module, not by its file (did you mean \"" + module +
                 (colon == std::string::npos ? "" : typed.target.substr(colon)) + "\"?)");
  }
  if (typed.factory) {
    if (typed.target.find(':') == std::string::npos) return Error("--factory: name the factory, as in module:create_app");
    if (!typed.target.ends_with(')')) endpoint.endpoint += "()";
  }
  if (auto checked = config::check_application(endpoint.endpoint); !checked) return checked.error();
  if (auto checked = config::check_root_path(typed.root_path); !checked)
    return Error("--root-path: " + checked.error().message);
  endpoint.root_path = typed.root_path;
  return endpoint;
}

Result<void> set_proxies(const TypedRun& typed, const config::Environment& environment, config::Config& config) {
  if (typed.proxy_headers == false) return {};
  auto list = typed.forwarded_allow_ips;
  if (list.empty()) list = environment("FORWARDED_ALLOW_IPS").value_or("");
  if (list.empty()) list = "127.0.0.1,::1,unix";
  std::istringstream parts(list);
  for (std::string part; std::getline(parts, part, ',');) {
    const std::string network(ascii::trim(part));
    if (network.empty()) continue;
    if (network == "*") {
      config.trusted_proxies = {"0.0.0.0/0", "::/0", "unix"};
      return {};
    }
    if (auto checked = config::check_network(network); !checked)
      return Error("--forwarded-allow-ips: " + checked.error().message);
    config.trusted_proxies.push_back(network);
  }
  return {};
}

// The first error of several steps ends the rest.
class Steps {
 public:
  template <class T, class Target>
  void take(const std::string& typed, Result<T> (*parse)(const std::string&, const std::string&), const char* option,
            Target& target) {
    if (typed.empty() || !result_) return;
    if (auto value = parse(option, typed))
      target = std::move(*value);
    else
      result_ = value.error();
  }
  template <class Target>
  void number(const std::string& typed, const char* option, std::uint64_t min, std::uint64_t max, Target& target) {
    if (typed.empty() || !result_) return;
    if (const auto value = parse_number(option, typed, min, max))
      target = static_cast<Target>(*value);
    else
      result_ = value.error();
  }
  void then(Result<void> next) {
    if (result_) result_ = std::move(next);
  }
  const Result<void>& result() const { return result_; }

 private:
  Result<void> result_;
};

Result<void> set_pool(const TypedRun& typed, const config::Environment& environment, pool::PoolOptions& pool) {
  Steps steps;
  if (typed.interface != "asgi" && typed.interface != "asgi3") pool.threads = 4;  // as in a config file
  auto workers = typed.workers;
  const auto concurrency = environment("WEB_CONCURRENCY").value_or("");
  steps.take(workers.empty() ? concurrency : workers, parse_count, workers.empty() ? "$WEB_CONCURRENCY" : "--workers",
             pool.workers);
  steps.number(typed.threads, "--threads", 1, 256, pool.threads);
  steps.number(typed.max_requests, "--max-requests", 0, 1'000'000'000'000, pool.max_requests);
  steps.number(typed.max_requests_jitter, "--max-requests-jitter", 0, 1'000'000'000'000, pool.max_requests_jitter);
  pool.timeout = pool::kNoTimeout;
  pool.queue_timeout = std::chrono::minutes(1);
  steps.take(typed.timeout, parse_seconds, "--timeout", pool.timeout);
  if (!typed.lifespan.empty()) {
    pool.lifespan = typed.lifespan;
    static const std::vector<std::string> kChoices = {"auto", "on", "off"};
    if (std::find(kChoices.begin(), kChoices.end(), typed.lifespan) == kChoices.end())
      steps.then(Error("--lifespan: expected auto, on or off, got \"" + typed.lifespan + "\""));
  }
  if (!typed.user.empty()) {
    pool.user = typed.user;
    if (::getpwnam(typed.user.c_str()) == nullptr)
      steps.then(Error("--user: this machine has no user \"" + typed.user + "\""));
  }
  return steps.result();
}

Result<void> set_websocket(const TypedRun& typed, net::WebSocketOptions& websocket) {
  Steps steps;
  steps.number(typed.websocket_max_size, "--ws-max-size", 1, std::uint64_t{1} << 30, websocket.max_message);
  steps.take(typed.websocket_ping_interval, parse_seconds, "--ws-ping-interval", websocket.ping_interval);
  steps.take(typed.websocket_ping_timeout, parse_seconds, "--ws-ping-timeout", websocket.ping_timeout);
  websocket.ping_timeout = std::max(websocket.ping_timeout, Milliseconds(1));
  if (!typed.websocket_deflate.empty()) {
    websocket.compression = typed.websocket_deflate == "true" || typed.websocket_deflate == "1";
    if (!websocket.compression && typed.websocket_deflate != "false" && typed.websocket_deflate != "0")
      steps.then(Error("--ws-per-message-deflate: expected true or false, got \"" + typed.websocket_deflate + "\""));
  }
  return steps.result();
}

Result<void> set_log(const TypedRun& typed, const fs::path& base, config::LogConfig& log) {
  Steps steps;
  steps.take(typed.log_level, parse_level, "--log-level", log.level);
  if (!typed.log_file.empty() && typed.log_file != "-") {
    log.file = (base / typed.log_file).lexically_normal().string();
    if (!fs::is_directory(fs::path(log.file).parent_path()))
      steps.then(Error("--log-file: the directory of \"" + typed.log_file + "\" does not exist"));
  }
  log.access = typed.access_log.value_or(true);
  if (!typed.access_log_file.empty() && typed.access_log_file != "-")
    steps.then(Error("--access-logfile: the access log goes where the log goes (--log-file); here it is - or nothing"));
  return steps.result();
}

Result<void> set_watch(const TypedRun& typed, const fs::path& base, RunCommand& command) {
  if (!typed.reload) {
    if (!typed.reload_dirs.empty() || !typed.reload_includes.empty() || !typed.reload_excludes.empty())
      command.warnings.push_back("--reload-dir, --reload-include and --reload-exclude have no effect without --reload");
    return {};
  }
  WatchOptions watch;
  for (const auto& directory : typed.reload_dirs) {
    auto path = (base / directory).lexically_normal().string();
    if (!fs::is_directory(path)) return Error("--reload-dir: the directory \"" + directory + "\" does not exist");
    if (path.size() > 1 && path.ends_with('/')) path.pop_back();
    watch.directories.push_back(std::move(path));
  }
  if (watch.directories.empty()) watch.directories.push_back(command.config.pools.begin()->second.path.front());
  watch.includes.insert(watch.includes.end(), typed.reload_includes.begin(), typed.reload_includes.end());
  watch.excludes = typed.reload_excludes;
  command.watch = std::move(watch);
  command.config.debug = true;
  // A page that streams for ever would hold the old code's workers, and Ctrl-C.
  command.config.net.limits.drain_timeout = std::chrono::seconds(2);
  return {};
}

}  // namespace

void declare_run_options(CLI::App& command, TypedRun& typed) {
  const auto text = [&](const char* names, std::string& target, const char* value, const char* help) {
    return command.add_option(names, target, help)->type_name(value);
  };
  const auto list = [&](const char* names, std::vector<std::string>& target, const char* value, const char* help) {
    return command.add_option(names, target, help)->type_name(value)->allow_extra_args(false);
  };
  command.add_option("TARGET", typed.target,
                     "module:application, module:factory(), or a module with an \"app\" or \"application\"");
  command.allow_extras();
  command.footer("Seconds may be durations too: 250ms, 5m. docs/run.md has the whole story.");

  const char* group = "Where";
  list("-b,--listen,--bind", typed.listen, "ADDRESS", "HOST:PORT or unix:PATH; may be repeated; default 127.0.0.1:8000")
      ->group(group);
  text("--host", typed.host, "HOST", "address to accept on; default 127.0.0.1")->group(group);
  text("--port", typed.port, "PORT", "port to accept on; default 8000, 0 for a free one")->group(group);
  text("--uds", typed.uds, "PATH", "Unix socket to accept on")->group(group);
  text("--root-path", typed.root_path, "PATH", "what a proxy takes off the path: root_path, SCRIPT_NAME")->group(group);
  text("--admin", typed.admin, "HOST:PORT", "admin side with metrics and status; default none")->group(group);

  group = "The application";
  text("--app-dir", typed.app_dir, "DIR", "put first on sys.path; default the current directory")->group(group);
  text("--chdir", typed.chdir, "DIR", "change to this directory first")->group(group);
  text("--pythonpath", typed.python_path, "DIR,…", "further directories for sys.path, before those of $PYTHONPATH")
      ->group(group);
  text("--home", typed.home, "DIR", "virtual environment; default $VIRTUAL_ENV")->group(group);
  command.add_flag("--factory", typed.factory, "TARGET is a function that makes the application")->group(group);
  text("--interface", typed.interface, "NAME", "auto, asgi (asgi3) or wsgi; default auto")->group(group);
  text("--lifespan", typed.lifespan, "WHEN", "lifespan events of ASGI: auto, on or off; default auto")->group(group);
  text("--env-file", typed.env_file, "FILE", "variables for the application, where the environment has none")->group(group);
  list("-e,--env", typed.environment, "NAME=VALUE", "variable for the application; may be repeated")->group(group);

  group = "Workers";
  text("-w,--workers", typed.workers, "N", "worker processes, or auto; default $WEB_CONCURRENCY, else 1")->group(group);
  text("--threads", typed.threads, "N", "WSGI requests that a worker runs at once; default 4")->group(group);
  text("--io-threads", typed.io_threads, "N", "threads of the HTTP side, or auto; default one a worker, at most one a CPU")
      ->group(group);
  text("--limit-max-requests,--max-requests", typed.max_requests, "N", "replace a worker after so many requests")
      ->group(group);
  text("--limit-max-requests-jitter,--max-requests-jitter", typed.max_requests_jitter, "N", "up to so many more")
      ->group(group);
  text("-u,--user", typed.user, "USER", "run the workers as this user")->group(group);
  text("-n,--name", typed.name, "NAME", "what process lists, logs and metrics call it; default app")->group(group);

  group = "Limits";
  text("--limit-concurrency", typed.limit_concurrency, "N", "connections a worker stands for; one more is answered 503")
      ->group(group);
  text("-t,--timeout", typed.timeout, "SECONDS", "for an answer, then 504; default none")->group(group);
  text("--timeout-keep-alive,--keep-alive", typed.keep_alive, "SECONDS", "of a connection between requests; default 75")
      ->group(group);
  text("--graceful-timeout,--timeout-graceful-shutdown", typed.graceful_timeout, "SECONDS",
       "for running requests when the server stops; default 30")
      ->group(group);

  text("--ws-max-size", typed.websocket_max_size, "BYTES", "of a WebSocket message; default 16 MiB")->group(group);
  text("--ws-ping-interval", typed.websocket_ping_interval, "SECONDS",
       "of silence before a WebSocket is pinged; default 20, 0 for never")
      ->group(group);
  text("--ws-ping-timeout", typed.websocket_ping_timeout, "SECONDS", "for the answer to a ping; default 20")->group(group);
  text("--ws-per-message-deflate", typed.websocket_deflate, "BOOL", "compression of WebSocket messages; default true")
      ->group(group);

  group = "Behind a proxy";
  command
      .add_flag_callback(
          "--proxy-headers", [&] { typed.proxy_headers = true; },
          "believe X-Forwarded-* and Forwarded of trusted proxies; default")
      ->group(group);
  command
      .add_flag_callback(
          "--no-proxy-headers", [&] { typed.proxy_headers = false; }, "believe nobody")
      ->group(group);
  text("--forwarded-allow-ips", typed.forwarded_allow_ips, "LIST",
       "trusted proxies: addresses, networks, unix or *; default $FORWARDED_ALLOW_IPS, else 127.0.0.1,::1,unix")
      ->group(group);

  group = "Log";
  text("--log-level", typed.log_level, "LEVEL", "trace, debug, info, warning, error, critical or off; default info")
      ->group(group);
  text("--log-file,--error-logfile", typed.log_file, "FILE", "instead of standard error")->group(group);
  command
      .add_flag_callback(
          "--access-log", [&] { typed.access_log = true; }, "a line per request; default")
      ->group(group);
  command
      .add_flag_callback(
          "--no-access-log", [&] { typed.access_log = false; }, "none")
      ->group(group);
  text("--access-logfile", typed.access_log_file, "-", "the same as --access-log")->group("");

  group = "Development";
  command.add_flag("--reload", typed.reload, "reload when a file changes, show what is broken in the browser")->group(group);
  list("--reload-dir", typed.reload_dirs, "DIR", "watched instead of --app-dir; may be repeated")->group(group);
  list("--reload-include", typed.reload_includes, "PATTERN", "files to watch besides *.py; may be repeated")->group(group);
  list("--reload-exclude", typed.reload_excludes, "PATTERN", "files and directories to leave out; may be repeated")
      ->group(group);

  for (const auto& foreign : kForeign) {
    // An option of CLI11 has one value for all of its names; here each name is an option.
    std::istringstream names(foreign.names);
    std::string short_name;
    for (std::string name; std::getline(names, name, ',');) {
      if (name.size() == 2) {
        short_name = name + ",";
        continue;
      }
      const auto note = [&typed, &foreign, name] { typed.foreign.emplace_back(&foreign, name); };
      if (foreign.has_value)
        command.add_option_function<std::string>(short_name + name, [note](const std::string&) { note(); })
            ->group("")
            ->allow_extra_args(false);
      else
        command.add_flag_callback(short_name + name, note)->group("");
      short_name.clear();
    }
  }
}

std::optional<std::string> unknown_run_option(const CLI::App& command) {
  std::vector<std::string> known;
  for (const auto* option : command.get_options([](const CLI::Option*) { return true; }))
    if (!option->get_group().empty())
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  const auto extras = command.remaining();
  for (const auto& word : extras)
    if (word.starts_with('-') && word.size() > 1)
      return "there is no option " + word.substr(0, word.find('=')) +
             config::did_you_mean(word.substr(0, word.find('=')), known);
  if (!extras.empty()) return "there is one TARGET, but \"" + extras.front() + "\" is a second one";
  return std::nullopt;
}

Result<RunCommand> make_run_command(const TypedRun& typed, const config::Environment& environment,
                                    const fs::path& working_directory) {
  RunCommand command;
  for (const auto& [option, name] : typed.foreign) {
    const auto said = name + ": " + option->text;
    if (option->verdict == kRefused) return Error(said);
    command.warnings.push_back(said);
  }
  if (typed.target.empty()) return Error("which application? tandem run module:application");
  auto application = application_of(typed);
  if (!application) return application.error();

  auto base = working_directory;
  if (!typed.chdir.empty()) {
    base = (working_directory / typed.chdir).lexically_normal();
    if (!fs::is_directory(base)) return Error("--chdir: the directory \"" + typed.chdir + "\" does not exist");
    command.directory = base.string();
  }
  if (!typed.name.empty() && !is_word(typed.name))
    return Error("--name: expected letters, digits, \".\", \"-\" and \"_\", got \"" + typed.name + "\"");
  const auto name = typed.name.empty() ? std::string("app") : typed.name;
  command.process_name = typed.name.empty() ? "tandem" : typed.name;

  auto& config = command.config;
  config.file = "tandem run";
  config.pin = config::PinPolicy::off;
  config.net.limits.body_bytes = UINT64_MAX;
  auto& pool = config.pools[name];
  pool.name = name;

  Steps steps;
  steps.then(set_listeners(typed, config));
  steps.then(set_pool(typed, environment, pool));
  steps.then(set_path(typed, environment, base, pool));
  steps.then(set_home(typed, environment, base, pool, command.warnings));
  steps.then(set_environment(typed, environment, base, pool));
  steps.then(set_proxies(typed, environment, config));
  steps.then(set_log(typed, base, config.log));
  steps.then(set_watch(typed, base, command));
  config.threads = std::min(config::usable_cpus(), pool.workers);
  steps.take(typed.io_threads, parse_count, "--io-threads", config.threads);
  steps.take(typed.keep_alive, parse_seconds, "--timeout-keep-alive", config.net.limits.idle_timeout);
  steps.take(typed.graceful_timeout, parse_seconds, "--graceful-timeout", config.net.limits.drain_timeout);
  std::uint64_t concurrency = 0;
  steps.number(typed.limit_concurrency, "--limit-concurrency", 1, 1'000'000, concurrency);
  steps.then(set_websocket(typed, config.net.websocket));
  if (!steps.result()) return steps.result().error();
  if (concurrency > 0)
    config.net.limits.connections =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(concurrency * pool.workers, 1'000'000));
  config.net.limits.idle_timeout = std::max(config.net.limits.idle_timeout, Milliseconds(1));
  pool.debug = config.debug;

  application->pool = name;
  pool.endpoints.push_back({application->endpoint,
                            application->backend == config::Backend::asgi   ? "asgi"
                            : application->backend == config::Backend::wsgi ? "wsgi"
                                                                            : "application",
                            true, application->root_path});
  config::ArmConfig arm;
  arm.endpoint = std::move(*application);
  config::RouteConfig route;
  route.path = "/*";
  route.name = name;
  route.arms.push_back(std::move(arm));
  config.routes.push_back(std::move(route));
  return command;
}

}  // namespace tandem::app
