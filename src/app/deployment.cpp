#include "app/deployment.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace tandem::app {
namespace {

// For the workers of pools that had started when another one did not: their lifespan and atexit handlers.
constexpr Milliseconds kUndoGrace{2000};

TimePoint now_exactly() { return std::chrono::steady_clock::now(); }

bool has_same_endpoints(const pool::PoolOptions& a, const pool::PoolOptions& b) {
  return std::equal(a.endpoints.begin(), a.endpoints.end(), b.endpoints.begin(), b.endpoints.end(),
                    [](const pool::EndpointOptions& one, const pool::EndpointOptions& other) {
                      return one.target == other.target && one.kind == other.kind && one.stream == other.stream &&
                             one.root_path == other.root_path;
                    });
}

Error needs_restart(const std::string& what) {
  return Error("reload.needs_restart", what + ": a process has one Python interpreter, so that needs a restart");
}

}  // namespace

Deployment::Deployment(unsigned generation, config::Config config, const Surroundings& surroundings)
    : generation_(generation), config_(std::move(config)), surroundings_(surroundings) {}

Deployment::~Deployment() = default;

Result<void> Deployment::start(const Deployment* previous) {
  if (auto taken = take_over_threads(previous); !taken) return taken;
  auto started = start_pools();
  if (started) {
    name_interfaces();
    auto composed = ComposedTable::make(
        config_, [this](const auto& endpoint, auto timeout) { return find_endpoint(endpoint, timeout); },
        surroundings_.prepare_experiment, &surroundings_.registry);
    if (composed)
      composed_ = std::move(*composed);
    else
      started = composed.error();
  }
  if (!started) stop(now_exactly() + kUndoGrace, previous);
  return started;
}

Result<void> Deployment::take_over_threads(const Deployment* previous) {
  if (previous == nullptr) return {};
  for (const auto& [name, pool] : previous->pools()) {
    if (pool->options().mode != pool::Mode::thread) continue;
    const auto wanted = config_.pools.find(name);
    if (wanted == config_.pools.end() || wanted->second.endpoints.empty())
      return needs_restart("the pool \"" + name + "\" runs in a thread of the server and can't be ended");
    if (wanted->second.mode != pool::Mode::thread)
      return needs_restart("the pool \"" + name + "\" runs in a thread of the server and can't move to processes");
    if (!has_same_endpoints(pool->options(), wanted->second))
      return needs_restart("the pool \"" + name + "\" runs in a thread of the server and can't get other endpoints");
    pools_[name] = pool;
    warnings_.push_back(
        "the pool \"" + name +
        "\" runs in a thread of the server: its Python code and its settings stay as they are until a restart");
  }
  for (const auto& [name, options] : config_.pools)
    if (options.mode == pool::Mode::thread && !options.endpoints.empty() && !pools_.contains(name))
      return needs_restart("the pool \"" + name + "\" can't be put into a thread of the running server");
  return {};
}

Result<void> Deployment::start_pools() {
  for (const auto& [name, options] : config_.pools) {
    if (options.endpoints.empty() || pools_.contains(name)) continue;
    auto pool = std::make_shared<pool::PoolBackend>(options, surroundings_.worker_program, surroundings_.loops,
                                                    surroundings_.registry);
    {
      const std::lock_guard lock(starting_mutex_);
      if (given_up_) return Error("server.stopping", "the server is stopping");
      starting_ = pool.get();
    }
    auto started = pool->start();
    const std::lock_guard lock(starting_mutex_);
    starting_ = nullptr;
    if (!started && given_up_) return Error("server.stopping", "the server is stopping");
    if (!started) return started;
    pools_[name] = std::move(pool);
  }
  return {};
}

// What the workers have found out about applications that the config leaves open: metrics and the admin side name it.
void Deployment::name_interfaces() {
  for (auto& route : config_.routes)
    for (auto& arm : route.arms) {
      if (arm.endpoint.backend != config::Backend::application) continue;
      const auto kind = pools_.at(arm.endpoint.pool)->kind_of(arm.endpoint.endpoint);
      arm.endpoint.backend = kind == service::BackendKind::wsgi ? config::Backend::wsgi : config::Backend::asgi;
    }
}

void Deployment::give_up_start() {
  const std::lock_guard lock(starting_mutex_);
  given_up_ = true;
  if (starting_ != nullptr) starting_->give_up_start();
}

Result<const service::Handler*> Deployment::find_endpoint(const config::EndpointConfig& endpoint,
                                                          std::optional<Milliseconds> timeout) const {
  if (endpoint.backend == config::Backend::native) return surroundings_.native.find(endpoint.endpoint);
  const auto pool = pools_.find(endpoint.pool);
  if (pool == pools_.end()) return Error("pool.not_found", "there is no pool \"" + endpoint.pool + "\"");
  auto found = pool->second->find(endpoint.endpoint);
  if (found && timeout) return pool->second->find_with(endpoint.endpoint, *timeout);
  return found;
}

std::shared_ptr<const routing::RouteTable> Deployment::table() {
  return {&composed_->table(), [usage = usage_](const routing::RouteTable*) {
            const std::lock_guard lock(usage->mutex);
            usage->ended = true;
            usage->changed.notify_all();
          }};
}

bool Deployment::wait_unused(TimePoint deadline) {
  std::unique_lock lock(usage_->mutex);
  usage_->changed.wait_until(lock, deadline, [this] { return usage_->ended || usage_->hurried; });
  return usage_->ended;
}

void Deployment::hurry() {
  const std::lock_guard lock(usage_->mutex);
  usage_->hurried = true;
  usage_->changed.notify_all();
}

void Deployment::stop(TimePoint deadline, const Deployment* successor) {
  for (const auto& [name, pool] : pools_) {
    if (successor != nullptr) {
      const auto theirs = successor->pools().find(name);
      if (theirs != successor->pools().end() && theirs->second == pool) continue;
    }
    pool->stop(deadline);
  }
}

}  // namespace tandem::app
