#include <pwd.h>

#include <algorithm>

#include "base/ascii.hpp"
#include "config/parse.hpp"

namespace tandem::config {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""h;

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1024 * 1024;

// Directories put on sys.path. The default need not exist: a file without Python endpoints has no use for it.
void parse_path(Object& section, pool::PoolOptions& pool, const Files& files) {
  const auto given = section.find("path");
  if (given) {
    pool.path.clear();
    for (const auto& element : given->elements()) {
      const auto directory = element.text();
      if (!directory) continue;
      if (!fs::is_directory(files.absolute(*directory)))
        element.report("the directory \"" + *directory + "\" does not exist" + files.elsewhere(*directory));
      pool.path.push_back(*directory);
    }
  }
  for (auto& directory : pool.path) directory = files.absolute(directory).string();
}

// A virtual environment, or another installation's prefix.
void parse_home(Object& section, pool::PoolOptions& pool, const Files& files) {
  const auto value = section.find("home");
  if (!value || value->is_null()) return;
  const auto home = value->text();
  if (!home) return;
  const auto directory = files.absolute(*home);
  if (!fs::is_directory(directory))
    value->report("the directory \"" + *home + "\" does not exist" + files.elsewhere(*home));
  else if (!fs::exists(directory / "bin/python3"))
    value->report("\"" + *home + "\" is no virtual environment: it has no bin/python3");
  pool.home = directory.string();
}

// A number, "auto", or from how many to how many there are by need: {"min": 1, "max": 8, "idle_timeout": "60s"}.
void parse_workers(Object& section, pool::PoolOptions& pool, unsigned automatic) {
  const auto value = section.find("workers");
  if (!value || !value->is_object()) {
    parse_auto(section, "workers", pool.workers, automatic);
    return;
  }
  Object range(*value, "workers");
  range.integer("min", pool.workers, 1, 1024);
  parse_auto(range, "max", pool.max_workers, std::max(automatic, pool.workers));
  range.duration("idle_timeout", pool.idle_timeout, 1ms, 24h);
  if (const auto max = range.find("max"); max && pool.max_workers < pool.workers)
    max->report("there are at least " + std::to_string(pool.workers) + " (\"min\"): the most can't be " +
                std::to_string(pool.max_workers));
  range.close();
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && !ascii::is_digit(name.front()) && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z');
  });
}

void parse_environment(Object& section, pool::PoolOptions& pool) {
  const auto given = section.find("environment");
  if (!given) return;
  for (const auto& [name, value] : given->members()) {
    if (!is_variable_name(name))
      value.report("the name of an environment variable is made of letters, digits and \"_\", and begins with no digit");
    if (auto text = value.text()) pool.environment.emplace(name, std::move(*text));
  }
}

// Whether the server may become that user is seen when it starts the workers: the file may be checked by another one.
void parse_user(Object& section, pool::PoolOptions& pool) {
  const auto value = section.find("user");
  if (!value || value->is_null()) return;
  const auto user = value->text();
  if (!user) return;
  if (::getpwnam(user->c_str()) == nullptr) value->report("this machine has no user \"" + *user + "\"");
  pool.user = *user;
}

// "/health", "POST /cache/fill" or {"method": "GET", "path": "/", "endpoint": "shop:app"}.
void parse_warmup(Object& section, pool::PoolOptions& pool) {
  const auto given = section.find("warmup");
  if (!given) return;
  for (const auto& element : given->elements()) {
    pool::WarmupRequest request;
    if (element.is_object()) {
      Object object(element, "warmup");
      object.text("method", request.method);
      object.text("path", request.path);
      if (const auto endpoint = object.find("endpoint")) request.endpoint = endpoint->text();
      object.close();
    } else if (const auto text = element.text()) {
      const auto space = text->find(' ');
      if (space != std::string::npos) request.method = text->substr(0, space);
      request.path = text->substr(space == std::string::npos ? 0 : space + 1);
    } else {
      continue;
    }
    const bool is_upper =
        std::none_of(request.method.begin(), request.method.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (!ascii::is_token(request.method) || !is_upper)
      element.report("expected a method in capitals, got \"" + request.method + "\"");
    if (request.path.rfind('/', 0) != 0 || request.path.find_first_of(" #") != std::string::npos)
      element.report("expected a path that begins with \"/\", alone or after a method (\"GET /health\")");
    pool.warmup.push_back(std::move(request));
  }
}

// One interpreter lives in the server's process: what is about several, or about replacing one, can't be promised there, and
// the process's own settings are everybody's.
void refuse_in_thread_mode(Object& section, const pool::PoolOptions& pool) {
  const auto refuse = [&](std::string_view key, std::string_view why) {
    if (const auto value = section.find(key)) value->report(std::string(why) + " (\"mode\": \"thread\")");
  };
  if (pool.workers != 1 || pool.max_workers > 1) refuse("workers", "in thread mode there is one worker");
  if (pool.max_requests != 0) refuse("max_requests", "in thread mode the worker can't be replaced");
  if (pool.max_lifetime.count() != 0) refuse("max_lifetime", "in thread mode the worker can't be replaced");
  if (!pool.environment.empty()) refuse("environment", "in thread mode the worker's environment is the server's own");
  if (!pool.user.empty()) refuse("user", "in thread mode the worker runs as the server does");
  if (pool.max_rss_bytes) refuse("max_rss", "in thread mode the worker's memory is the server's own");
}

}  // namespace

std::optional<Milliseconds> parse_timeout(const Value& value) {
  if (value.is_null()) return pool::kNoTimeout;
  return value.duration(1ms, 24h);
}

pool::PoolOptions parse_pool(Object section, std::string name, const Surroundings& surroundings) {
  pool::PoolOptions pool;
  pool.name = std::move(name);
  parse_path(section, pool, surroundings.files);
  parse_home(section, pool, surroundings.files);
  section.choice("mode", pool.mode, {{"process", pool::Mode::process}, {"thread", pool::Mode::thread}});
  parse_workers(section, pool, pool.mode == pool::Mode::thread ? 1 : surroundings.cpus);
  parse_environment(section, pool);
  parse_user(section, pool);
  section.integer("threads", pool.threads, 1, 256);
  section.integer("async_capacity", pool.async_capacity, 1, 1'000'000);
  section.integer("queue", pool.queue, 1, 1'000'000);
  section.duration("queue_timeout", pool.queue_timeout, 1ms, 24h);
  if (const auto timeout = section.find("timeout")) pool.timeout = parse_timeout(*timeout).value_or(pool.timeout);
  section.duration("start_timeout", pool.start_timeout, 1ms, 24h);
  section.duration("stuck_grace", pool.stuck_grace, 1ms, 24h);
  section.integer("max_requests", pool.max_requests, 0, 1'000'000'000'000);
  section.integer("max_requests_jitter", pool.max_requests_jitter, 0, 1'000'000'000'000);
  if (pool.max_requests_jitter > 0 && pool.max_requests == 0)
    if (const auto jitter = section.find("max_requests_jitter")) jitter->report("has no effect without \"max_requests\"");
  section.duration("max_lifetime", pool.max_lifetime, 0ms, 365 * 24h);
  section.choice<std::string>("lifespan", pool.lifespan, {{"auto", "auto"}, {"on", "on"}, {"off", "off"}});
  parse_warmup(section, pool);
  // Below this a bare interpreter would be replaced as soon as it has started.
  if (const auto max_rss = section.find("max_rss"); max_rss && !max_rss->is_null())
    if (const auto bytes = max_rss->size(32 * kMiB, 1024 * 1024 * kMiB)) pool.max_rss_bytes = *bytes;
  if (pool.mode == pool::Mode::thread) refuse_in_thread_mode(section, pool);
  section.close();
  return pool;
}

}  // namespace tandem::config
