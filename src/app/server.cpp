#include "app/server.hpp"

#include <pthread.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <csignal>
#include <mutex>

#include "admin/admin_handler.hpp"
#include "app/version.hpp"
#include "base/log.hpp"

namespace tandem::app {
namespace {

// The signals that the main thread takes: every other thread is started with them blocked.
sigset_t server_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
  return set;
}

std::thread start_thread(const std::string& name, std::function<void()> body) {
  const sigset_t blocked = server_signals();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  std::thread thread(std::move(body));
  pthread_setname_np(thread.native_handle(), name.c_str());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

// The admin side: a listener of its own on a thread of its own, so that a scrape never waits for traffic or the other way
// round.
struct Server::AdminSide {
  AdminSide(Loop& loop, const config::Config& config, admin::ServerView view, net::ListenerTotals& totals)
      : options(admin_net_options(config)),
        handler(admin_options(config.admin), std::move(view)),
        boundary(handler),
        listener(loop, options, boundary, nullptr, totals) {}

  static net::NetOptions admin_net_options(const config::Config& config) {
    net::NetOptions options = config.net;
    options.limits.connections = 256;
    options.limits.drain_timeout = Milliseconds(1000);
    return options;
  }

  static admin::AdminOptions admin_options(const config::AdminConfig& config) {
    admin::AdminOptions options;
    options.listen_host = config.listen->kind == net::ListenOptions::Kind::tcp ? config.listen->host : "";
    options.hosts = config.hosts;
    options.token = config.token;
    options.read_token = config.read_token;
    return options;
  }

  net::NetOptions options;
  admin::AdminHandler handler;
  pipeline::ErrorBoundary boundary;
  net::Listener listener;
};

Server::Server(config::Config config, native::Catalog catalog, pool::WorkerProgram worker_program)
    : config_(std::move(config)),
      registry_(config_.threads),
      admin_loop_(config_.threads),
      native_(catalog),
      worker_program_(std::move(worker_program)) {
  for (unsigned i = 0; i < config_.threads; ++i) loops_.push_back(std::make_unique<Loop>(i));
}

Server::~Server() {
  for (const auto& bound : bound_)
    if (!bound.path.empty()) ::unlink(bound.path.c_str());
}

Result<void> Server::start() {
  if (config_.log.access)
    access_log_ = std::make_unique<observe::AccessLog>(
        config_.threads, config_.log.format == "json" ? observe::LogFormat::json : observe::LogFormat::text,
        [](std::string_view lines) { write_log_lines(lines); });
  // The loops turn before the pools start: answers of workers arrive on them.
  start_threads();
  if (auto started = start_pools(); !started) return started;
  auto composed = ComposedTable::make(
      config_, [this](const auto& endpoint, auto timeout) { return find_endpoint(endpoint, timeout); }, &registry_);
  if (!composed) return composed.error();
  router_ = std::make_unique<routing::Router>(std::shared_ptr<const routing::RouteTable>(*composed, &(*composed)->table()),
                                              config_.threads);
  boundary_ = std::make_unique<pipeline::ErrorBoundary>(*router_);
  observer_ = std::make_unique<pipeline::ExchangeObserver>(registry_, access_log_.get());
  metric_sources_.push_back(registry_.add_source([this](std::string& out) { out += connection_metrics(); }));
  if (auto opened = open_listeners(); !opened) return opened;
  readiness_ = admin::Readiness::ready;
  return {};
}

Result<void> Server::start_pools() {
  std::vector<Loop*> loops;
  for (const auto& loop : loops_) loops.push_back(loop.get());
  for (const auto& [name, options] : config_.pools) {
    if (options.endpoints.empty()) continue;
    auto& pool = pools_[name];
    pool = std::make_unique<pool::PoolBackend>(options, worker_program_, loops, registry_);
    if (auto started = pool->start(); !started) return started;
    if (options.mode == pool::Mode::thread)
      log().warn(
          "pool {} runs in a thread of this process: a crash, a held interpreter lock or a memory leak of its code is the "
          "server's, "
          "a stuck endpoint can't be replaced and its Python can't be reloaded",
          name);
  }
  return {};
}

Result<const service::Handler*> Server::find_endpoint(const config::EndpointConfig& endpoint,
                                                      std::optional<Milliseconds> timeout) const {
  if (endpoint.backend == config::Backend::native) return native_.find(endpoint.endpoint);
  const auto pool = pools_.find(endpoint.pool);
  if (pool == pools_.end()) return Error("pool.not_found", "there is no pool \"" + endpoint.pool + "\"");
  auto found = pool->second->find(endpoint.endpoint);
  if (found && timeout) return pool->second->find_with(endpoint.endpoint, *timeout);
  return found;
}

Result<void> Server::open_listeners() {
  std::vector<std::vector<int>> descriptors;
  for (const auto& options : config_.listen) {
    auto bound = net::bind_listener(options, config_.threads);
    if (!bound) return bound.error();
    bound_.push_back(std::move(*bound));
  }
  std::optional<net::Bound> admin_bound;
  if (config_.admin.listen) {
    auto bound = net::bind_listener(*config_.admin.listen, 1);
    if (!bound) return bound.error();
    admin_bound = std::move(*bound);
    bound_.push_back(*admin_bound);
  }

  for (unsigned i = 0; i < config_.threads; ++i) {
    listeners_.push_back(std::make_unique<net::Listener>(*loops_[i], config_.net, *boundary_, observer_.get(), totals_));
    listeners_.back()->context().server_timing = config_.server_timing;
    listeners_.back()->context().debug = config_.debug;
  }
  if (admin_bound) {
    admin_ = std::make_unique<AdminSide>(admin_loop_, config_, view(), admin_totals_);
    const int descriptor = admin_bound->descriptors.front();
    admin_loop_.post([this, descriptor] { admin_->listener.adopt(*config_.admin.listen, descriptor); });
  }
  for (unsigned i = 0; i < config_.threads; ++i) {
    std::vector<int> own;
    for (std::size_t l = 0; l < config_.listen.size(); ++l) own.push_back(bound_[l].descriptors[i]);
    loops_[i]->post([this, i, own] {
      for (std::size_t l = 0; l < own.size(); ++l) listeners_[i]->adopt(config_.listen[l], own[l]);
    });
  }
  return {};
}

void Server::start_threads() {
  for (const auto& loop : loops_) {
    Loop* const own = loop.get();
    threads_.push_back(start_thread("tandem-io-" + std::to_string(own->index()), [own] { own->run(); }));
  }
  threads_.push_back(start_thread("tandem-admin", [this] { admin_loop_.run(); }));
}

std::string Server::connection_metrics() const {
  std::string out =
      "# HELP tandem_connections Client connections that are open now.\n# TYPE tandem_connections "
      "gauge\ntandem_connections " +
      std::to_string(totals_.connections.load()) +
      "\n# HELP tandem_connections_accepted_total Client connections accepted since the start.\n"
      "# TYPE tandem_connections_accepted_total counter\ntandem_connections_accepted_total " +
      std::to_string(totals_.accepted.load()) +
      "\n# HELP tandem_connections_refused_total Client connections answered 503 for the connection limit.\n"
      "# TYPE tandem_connections_refused_total counter\ntandem_connections_refused_total " +
      std::to_string(totals_.refused.load()) + "\n";
  if (access_log_)
    out +=
        "# HELP tandem_access_log_dropped_total Access log lines dropped because the log could not keep up.\n"
        "# TYPE tandem_access_log_dropped_total counter\ntandem_access_log_dropped_total " +
        std::to_string(access_log_->dropped()) + "\n";
  return out;
}

std::string Server::banner() const {
  std::string text = "tandem " + std::string(version()) + ", " + std::to_string(config_.threads) + " I/O thread" +
                     (config_.threads == 1 ? "" : "s");
  for (const auto& [name, pool] : pools_) {
    const auto& options = pool->options();
    text += ", pool " + name + ": " +
            (options.mode == pool::Mode::thread
                 ? "1 thread of this process"
                 : std::to_string(options.workers) + " worker process" + (options.workers == 1 ? "" : "es"));
  }
  text += "\n";
  const std::size_t listeners = config_.listen.size();
  for (std::size_t i = 0; i < bound_.size(); ++i)
    text += (i < listeners ? "listening on " : "admin on ") + bound_[i].url + "\n";

  // Three lines to try: a twin route as it comes, the same pinned, and a route with a parameter.
  std::string base;
  for (std::size_t i = 0; i < listeners && base.empty(); ++i) {
    base = bound_[i].url;
    if (base.starts_with("unix:")) base = "--unix-socket " + base.substr(5) + " http://localhost";
    if (base.starts_with("http://0.0.0.0:")) base.replace(7, 7, "localhost");
    if (base.starts_with("http://[::]:")) base.replace(7, 4, "[::1]");
  }
  std::vector<std::string> tries;
  const auto find_route = [&](auto wanted) -> const config::RouteConfig* {
    for (const auto& route : config_.routes) {
      const auto methods = effective_methods(route);
      const bool answers_get = methods.empty() || methods.front() == "GET";
      if (answers_get && wanted(route)) return &route;
    }
    return nullptr;
  };
  const auto is_plain = [](const config::RouteConfig& route) { return route.path.find_first_of("{*") == std::string::npos; };
  const auto* json = find_route([&](const auto& route) { return route.path == "/json" && route.is_twin; });
  const auto* twin = json ? json : find_route([&](const auto& route) { return is_plain(route) && route.is_twin; });
  if (twin) {
    tries.push_back("curl -i " + base + twin->path);
    tries.push_back("curl -i -H 'Tandem-Arm: " + twin->arms.back().name + "' " + base + twin->path);
  } else if (const auto* plain = find_route(is_plain)) {
    tries.push_back("curl -i " + base + plain->path);
  }
  if (const auto* named = find_route([](const auto& route) { return route.path.ends_with("/{name}"); }))
    tries.push_back("curl " + base + named->path.substr(0, named->path.size() - 6) + "Ada");
  if (bound_.size() > listeners && tries.size() < 3) {
    const auto& admin = bound_.back().url;
    tries.push_back(admin.starts_with("unix:") ? "curl --unix-socket " + admin.substr(5) + " http://localhost/metrics"
                                               : "curl " + admin + "/metrics");
  }
  if (!tries.empty()) text += "try\n";
  for (const auto& line : tries) text += "  " + line + "\n";
  return text + "ready\n";
}

admin::ServerView Server::view() const {
  admin::ServerView view;
  view.readiness = [this] { return readiness_.load(); };
  view.status = [this] { return status(); };
  view.routes = [this] { return routes(); };
  view.pools = [this] { return pools(); };
  view.registry = &registry_;
  return view;
}

admin::StatusView Server::status() const {
  admin::StatusView view;
  view.version = version();
  view.pid = ::getpid();
  view.started = started_;
  view.uptime = std::chrono::system_clock::now() - started_;
  for (std::size_t i = 0; i < config_.listen.size(); ++i) view.listening.push_back(bound_[i].url);
  view.config_file = config_.file;
  view.io_threads = config_.threads;
  view.connections = static_cast<std::uint64_t>(std::max<std::int64_t>(0, totals_.connections.load()));
  view.dropped_access_lines = access_log_ ? access_log_->dropped() : 0;
  return view;
}

std::vector<admin::RouteView> Server::routes() const {
  std::vector<admin::RouteView> views;
  for (const auto& route : config_.routes) {
    admin::RouteView view;
    view.name = route.name;
    view.path = route.path;
    view.methods = effective_methods(route);
    if (view.methods.empty()) view.methods = {"*"};
    for (const auto& arm : route.arms) {
      admin::ArmView arm_view;
      arm_view.name = arm.name;
      arm_view.weight = arm.weight;
      arm_view.backend = format_backend(arm.endpoint.backend);
      arm_view.endpoint = arm.endpoint.endpoint;
      arm_view.pool = arm.endpoint.pool;
      view.arms.push_back(std::move(arm_view));
    }
    views.push_back(std::move(view));
  }
  return views;
}

std::vector<admin::PoolView> Server::pools() const {
  std::vector<admin::PoolView> views;
  for (const auto& [name, pool] : pools_) {
    admin::PoolView view;
    view.name = name;
    view.mode = pool->options().mode == pool::Mode::thread ? "thread" : "process";
    view.queued = pool->queued();
    view.queue_limit = pool->options().queue;
    view.workers = pool->workers();
    views.push_back(std::move(view));
  }
  return views;
}

int Server::run(const std::function<void()>& announce) {
  boost::asio::io_context context;
  boost::asio::signal_set stop_signals(context, SIGTERM, SIGINT);
  boost::asio::signal_set other_signals(context, SIGHUP, SIGUSR1);
  stop_signals.async_wait([&](boost::system::error_code error, int number) {
    if (error) return;
    log().info("{}: stopping; a second one ends the server at once", number == SIGTERM ? "SIGTERM" : "SIGINT");
    context.stop();
  });
  std::function<void()> wait_other = [&] {
    other_signals.async_wait([&](boost::system::error_code error, int number) {
      if (error) return;
      if (number == SIGUSR1) {
        reopen_log();
        log().info("log file reopened");
      } else {
        log().warn("SIGHUP: reloading is not built yet; the server goes on as it is");
      }
      wait_other();
    });
  };
  wait_other();
  announce();
  context.run();
  // From here on the operating system's own hand: it works whatever this thread is waiting for.
  stop_signals.clear();
  struct sigaction at_once {};
  at_once.sa_handler = [](int) { ::_exit(1); };
  ::sigaction(SIGTERM, &at_once, nullptr);
  ::sigaction(SIGINT, &at_once, nullptr);
  drain_and_stop();
  log().info("stopped");
  return 0;
}

void Server::drain_and_stop() {
  readiness_ = admin::Readiness::draining;
  const auto deadline = std::chrono::steady_clock::now() + config_.net.limits.drain_timeout;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t draining = listeners_.size();
  const auto drained = [&] {
    const std::lock_guard lock(mutex);
    --draining;
    changed.notify_all();
  };
  for (std::size_t i = 0; i < listeners_.size(); ++i) loops_[i]->post([&, i] { listeners_[i]->drain(drained); });
  {
    std::unique_lock lock(mutex);
    if (!changed.wait_until(lock, deadline, [&] { return draining == 0; })) {
      log().warn("connections are still busy after the drain timeout: ending them");
      for (std::size_t i = 0; i < listeners_.size(); ++i) loops_[i]->post([this, i] { listeners_[i]->abort(); });
      changed.wait_for(lock, std::chrono::seconds(5), [&] { return draining == 0; });
    }
  }
  // No request is left: workers finish, Python's atexit runs. They get a moment even when the drain used up its time.
  const auto pool_deadline = std::max(deadline, std::chrono::steady_clock::now() + std::chrono::seconds(2));
  for (auto& [name, pool] : pools_) pool->stop(pool_deadline);
  if (admin_) {
    std::mutex admin_mutex;
    bool admin_done = false;
    admin_loop_.post([&] {
      admin_->listener.drain([&] {
        const std::lock_guard lock(admin_mutex);
        admin_done = true;
        changed.notify_all();
      });
      admin_->listener.abort();
    });
    std::unique_lock lock(admin_mutex);
    changed.wait_for(lock, std::chrono::seconds(2), [&] { return admin_done; });
  }
  for (auto& loop : loops_) loop->stop();
  admin_loop_.stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  access_log_.reset();
}

}  // namespace tandem::app
