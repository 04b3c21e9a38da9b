#include "app/server.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <csignal>
#include <latch>
#include <mutex>
#include <set>

#include "admin/admin_handler.hpp"
#include "app/process_usage.hpp"
#include "app/version.hpp"
#include "base/log.hpp"
#include "config/changes.hpp"
#include "experiment/assignment_metrics.hpp"

namespace tandem::app {
namespace {

// How long a worker may take to say what it does.
constexpr Milliseconds kAnswerTime{3000};

steering::Question question_of(admin::ExperimentsRequest request) {
  using From = admin::ExperimentsRequest::Kind;
  using To = steering::Question::Kind;
  constexpr std::pair<From, To> kKinds[] = {
      {From::list, To::list},       {From::show, To::show},   {From::change, To::change},
      {From::report, To::report},   {From::state, To::state}, {From::diffs, To::diffs},
      {From::explain, To::explain}, {From::gate, To::gate},   {From::audit, To::audit}};
  steering::Question question;
  for (const auto& [from, to] : kKinds)
    if (from == request.kind) question.kind = to;
  question.id = std::move(request.id);
  question.action = std::move(request.action);
  question.query = std::move(request.query);
  question.body = std::move(request.body);
  question.if_match = std::move(request.if_match);
  question.if_none_match = std::move(request.if_none_match);
  question.by = std::move(request.by);
  return question;
}

config::LoadResult same_again(const config::Config& config) {
  config::LoadResult result;
  result.file = config.file;
  result.config = config;
  return result;
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

Server::Server(config::Config config, native::Catalog catalog, pool::WorkerProgram worker_program,
               Generations::ReadConfig read_config)
    : config_(std::move(config)),
      registry_(config_.threads),
      admin_loop_(config_.threads),
      native_(catalog),
      worker_program_(std::move(worker_program)),
      surroundings_{native_, worker_program_, {}, registry_, {}},
      generations_(
          surroundings_, read_config ? std::move(read_config) : [this] { return same_again(config_); },
          [this](Deployment& next) { return switch_to(next); }) {
  for (unsigned i = 0; i < config_.threads; ++i) {
    loops_.push_back(std::make_unique<Loop>(i));
    surroundings_.loops.push_back(loops_.back().get());
  }
  steering_ = std::make_unique<steering::Steering>(config_.state_dir, surroundings_.loops, clock_);
  surroundings_.prepare_experiment = [this](const experiment::Settings& settings) { return steering_->prepare(settings); };
}

Server::~Server() {
  for (const auto& bound : bound_)
    if (!bound.path.empty()) ::unlink(bound.path.c_str());
}

Result<void> Server::start() {
  // The loops turn before the pools start: answers of workers arrive on them.
  start_threads();
  steering_->start();
  if (auto started = generations_.start(config_); !started) return started;
  const auto first = generations_.current();
  adopt_experiments(*first);
  for (const auto& [name, pool] : first->pools())
    if (pool->options().mode == pool::Mode::thread)
      log().warn(
          "pool {} runs in a thread of this process: a crash, a held interpreter lock or a memory leak of its code is the "
          "server's, a stuck endpoint can't be replaced and its Python can't be reloaded",
          name);
  router_ = std::make_unique<routing::Router>(first->table(), config_.threads);
  if (make_gate_) gate_ = make_gate_(*router_);
  boundary_ = std::make_unique<pipeline::ErrorBoundary>(gate_ ? *gate_ : static_cast<const service::Handler&>(*router_));
  forwarded_.resize(loops_.size());
  silent_observer_ = std::make_unique<pipeline::ExchangeObserver>(registry_, nullptr);
  prepare_access_log(config_);
  metric_sources_.push_back(registry_.add_source([this](std::string& out) { out += own_metrics() + steering_->metrics(); }));
  if (auto opened = open_listeners(); !opened) return opened;
  readiness_ = admin::Readiness::ready;
  return {};
}

void Server::prepare_access_log(const config::Config& config) {
  const std::lock_guard lock(access_log_mutex_);
  if (!config.log.access || access_log_) return;
  access_log_ = std::make_unique<observe::AccessLog>(
      config_.threads, config_.log.format == "json" ? observe::LogFormat::json : observe::LogFormat::text,
      [](std::string_view lines) { write_log_lines(lines); });
  logging_observer_ = std::make_unique<pipeline::ExchangeObserver>(registry_, access_log_.get());
}

// What a loop's connections go by. Thread: the loop's, or main before the listeners accept.
void Server::apply(const config::Config& config, unsigned loop) {
  auto& context = listeners_[loop]->context();
  context.options = config.net;
  context.root = boundary_.get();
  forwarded_[loop].reset();
  if (!config.trusted_proxies.empty()) {
    forwarded_[loop] = std::make_unique<pipeline::Forwarded>(*boundary_, pipeline::TrustedProxies(config.trusted_proxies));
    context.root = forwarded_[loop].get();
  }
  context.server_timing = config.server_timing;
  context.debug = config.debug;
  context.observer = config.log.access ? logging_observer_.get() : silent_observer_.get();
}

// Thread: the reloading one.
std::vector<std::string> Server::switch_to(Deployment& next) {
  const auto& config = next.config();
  prepare_access_log(config);
  log().set_level(spdlog::level::from_str(config.log.level));
  auto table = next.table();
  const void* const current = table.get();
  router_->replace(std::move(table));
  const auto switched = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(loops_.size()));
  for (unsigned i = 0; i < loops_.size(); ++i)
    loops_[i]->post([this, i, switched, current, &config] {
      apply(config, i);
      router_->refresh(*loops_[i]);
      listeners_[i]->begin_change(current);
      switched->count_down();
    });
  const auto waiting = config::find_restart_keys(config_, config);
  // Its tokens belong to the address they were meant for.
  const bool admin_moves = std::find(waiting.begin(), waiting.end(), "admin.listen") != waiting.end();
  if (admin_)
    admin_loop_.post(
        [this, options = AdminSide::admin_options(config.admin), net = AdminSide::admin_net_options(config), admin_moves] {
          admin_->listener.context().options = net;
          if (!admin_moves) admin_->handler.set_options(options);
        });
  switched->wait();
  adopt_experiments(next);

  std::vector<std::string> warnings;
  for (const auto& key : waiting) warnings.push_back("\"" + key + "\" has changed and needs a restart");
  return warnings;
}

void Server::adopt_experiments(const Deployment& deployment) {
  std::vector<steering::Steering::Adopted> experiments;
  for (const auto& handler : deployment.experiments()) {
    steering::Steering::Adopted adopted{handler.shared_experiment(), handler.settings(), {}};
    for (const auto& arm : handler.arms()) adopted.backends.emplace_back(arm.backend);
    experiments.push_back(std::move(adopted));
  }
  steering_->adopt(std::move(experiments));
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
    listeners_.push_back(std::make_unique<net::Listener>(*loops_[i], config_.net, *boundary_, nullptr, totals_));
    apply(config_, i);
  }
  if (admin_bound) {
    questions_.start();
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

std::string Server::own_metrics() const {
  std::string out =
      "# HELP tandem_connections Client connections that are open now.\n# TYPE tandem_connections "
      "gauge\ntandem_connections " +
      std::to_string(totals_.connections.load()) +
      "\n# HELP tandem_connections_accepted_total Client connections accepted since the start.\n"
      "# TYPE tandem_connections_accepted_total counter\ntandem_connections_accepted_total " +
      std::to_string(totals_.accepted.load()) +
      "\n# HELP tandem_connections_refused_total Client connections answered 503 for the connection limit.\n"
      "# TYPE tandem_connections_refused_total counter\ntandem_connections_refused_total " +
      std::to_string(totals_.refused.load()) +
      "\n# HELP tandem_generation What is served: 1 since the start, one more with each reload.\n"
      "# TYPE tandem_generation gauge\ntandem_generation " +
      std::to_string(generations_.current()->generation()) + "\n";
  out += experiment::assignment_metrics(generations_.current()->experiments());
  const std::lock_guard lock(access_log_mutex_);
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
  const auto serving = generations_.current();
  for (const auto& [name, pool] : serving->pools()) {
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

std::vector<std::string> Server::listening() const {
  std::vector<std::string> urls;
  for (const auto& bound : bound_) urls.push_back(bound.url);
  return urls;
}

std::string_view Server::interface_of(const config::EndpointConfig& endpoint) const {
  const auto serving = generations_.current();
  const auto& pools = serving->pools();
  const auto pool = pools.find(endpoint.pool);
  const auto kind = pool == pools.end() ? service::BackendKind::none : pool->second->kind_of(endpoint.endpoint);
  return kind == service::BackendKind::asgi ? "ASGI" : kind == service::BackendKind::wsgi ? "WSGI" : "";
}

admin::ServerView Server::view() {
  admin::ServerView view;
  view.readiness = [this] { return readiness_.load(); };
  view.status = [this] { return status(); };
  view.routes = [this] { return routes(); };
  view.pools = [this] { return pools(); };
  view.stacks = [this](auto done) { questions_.post([this, done = std::move(done)] { done(stacks()); }); };
  view.requests = [this](auto done) { questions_.post([this, done = std::move(done)] { done(requests()); }); };
  view.reload = [this](std::string by, auto done) { reload(std::move(by), std::move(done)); };
  view.experiments = [this](admin::ExperimentsRequest request, auto done) {
    steering_->ask(question_of(std::move(request)), std::move(done));
  };
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
  const auto usage = usage_of_tree(view.pid);
  view.cpu_seconds = usage.cpu_seconds;
  view.rss_bytes = usage.rss_bytes;
  view.generation = generations_.current()->generation();
  for (const auto& one : generations_.retiring()) view.retiring.push_back(one->generation());
  view.last_reload = generations_.last_reload();
  const std::lock_guard lock(access_log_mutex_);
  view.dropped_access_lines = access_log_ ? access_log_->dropped() : 0;
  return view;
}

std::vector<admin::RouteView> Server::routes() const {
  std::vector<admin::RouteView> views;
  const auto serving = generations_.current();
  for (const auto& route : serving->config().routes) {
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

void Server::for_each_pool(
    const std::function<void(const pool::PoolBackend&, const Deployment&, bool is_retiring)>& look) const {
  const auto serving = generations_.current();
  std::set<const pool::PoolBackend*> seen;  // one in thread mode belongs to several generations
  for (const auto& [name, pool] : serving->pools()) {
    seen.insert(pool.get());
    look(*pool, *serving, false);
  }
  for (const auto& old : generations_.retiring())
    for (const auto& [name, pool] : old->pools())
      if (seen.insert(pool.get()).second) look(*pool, *old, true);
}

std::vector<admin::PoolView> Server::pools() const {
  std::vector<admin::PoolView> views;
  for_each_pool([&](const pool::PoolBackend& pool, const Deployment& deployment, bool is_retiring) {
    admin::PoolView view;
    view.name = pool.options().name;
    view.mode = pool.options().mode == pool::Mode::thread ? "thread" : "process";
    view.queued = pool.queued();
    view.queue_limit = pool.options().queue;
    view.workers = pool.workers();
    view.generation = deployment.generation();
    view.is_retiring = is_retiring;
    views.push_back(std::move(view));
  });
  return views;
}

std::vector<admin::StacksView> Server::stacks() const {
  std::vector<admin::StacksView> views;
  for_each_pool([&](const pool::PoolBackend& pool, const Deployment& deployment, bool) {
    views.push_back({pool.options().name, deployment.generation(), pool.stacks(kAnswerTime)});
  });
  return views;
}

std::vector<admin::RequestsView> Server::requests() const {
  std::vector<admin::RequestsView> views;
  for_each_pool([&](const pool::PoolBackend& pool, const Deployment& deployment, bool) {
    views.push_back({pool.options().name, deployment.generation(), pool.requests(kAnswerTime)});
  });
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
        reload("SIGHUP", {});
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
  stop();
  log().info("stopped");
  return 0;
}

void Server::stop() {
  readiness_ = admin::Readiness::draining;
  if (when_stopping_) when_stopping_();
  generations_.stop_reloading();
  const auto deployment = generations_.current();
  for (const auto& handler : deployment->experiments()) handler.experiment().shadow().stop();
  const auto drain_timeout = deployment->config().net.limits.drain_timeout;
  const auto deadline = std::chrono::steady_clock::now() + drain_timeout;
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
  generations_.stop(pool_deadline);
  steering_->stop();
  questions_.finish();
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
