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

// One interpreter lives in the server's process: what is about several, or about replacing one, can't be promised there.
void refuse_in_thread_mode(Object& section, const pool::PoolOptions& pool) {
  const auto refuse = [&](std::string_view key, std::string_view why) {
    if (const auto value = section.find(key)) value->report(std::string(why) + " (\"mode\": \"thread\")");
  };
  if (pool.workers != 1) refuse("workers", "in thread mode there is one worker");
  if (pool.max_requests != 0) refuse("max_requests", "in thread mode the worker can't be replaced");
  if (pool.max_rss_bytes) refuse("max_rss", "in thread mode the worker's memory is the server's own");
}

}  // namespace

pool::PoolOptions parse_pool(Object section, std::string name, const Surroundings& surroundings) {
  pool::PoolOptions pool;
  pool.name = std::move(name);
  parse_path(section, pool, surroundings.files);
  parse_home(section, pool, surroundings.files);
  section.choice("mode", pool.mode, {{"process", pool::Mode::process}, {"thread", pool::Mode::thread}});
  parse_auto(section, "workers", pool.workers, pool.mode == pool::Mode::thread ? 1 : surroundings.cpus);
  section.integer("threads", pool.threads, 1, 256);
  section.integer("async_capacity", pool.async_capacity, 1, 1'000'000);
  section.integer("queue", pool.queue, 1, 1'000'000);
  section.duration("queue_timeout", pool.queue_timeout, 1ms, 24h);
  section.duration("timeout", pool.timeout, 1ms, 24h);
  section.duration("start_timeout", pool.start_timeout, 1ms, 24h);
  section.duration("stuck_grace", pool.stuck_grace, 1ms, 24h);
  section.integer("max_requests", pool.max_requests, 0, 1'000'000'000'000);
  section.integer("max_requests_jitter", pool.max_requests_jitter, 0, 1'000'000'000'000);
  if (pool.max_requests_jitter > 0 && pool.max_requests == 0)
    if (const auto jitter = section.find("max_requests_jitter")) jitter->report("has no effect without \"max_requests\"");
  // Below this a bare interpreter would be replaced as soon as it has started.
  if (const auto max_rss = section.find("max_rss"); max_rss && !max_rss->is_null())
    if (const auto bytes = max_rss->size(32 * kMiB, 1024 * 1024 * kMiB)) pool.max_rss_bytes = *bytes;
  if (pool.mode == pool::Mode::thread) refuse_in_thread_mode(section, pool);
  section.close();
  return pool;
}

}  // namespace tandem::config
