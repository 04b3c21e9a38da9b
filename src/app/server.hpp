// The running server: owns loops, threads, generations, listeners and the admin side as plain members in construction order.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "admin/server_view.hpp"
#include "app/errand_thread.hpp"
#include "app/generations.hpp"
#include "base/loop.hpp"
#include "config/config.hpp"
#include "native/native_backend.hpp"
#include "net/listener.hpp"
#include "observe/access_log.hpp"
#include "observe/metrics.hpp"
#include "pipeline/forwarded.hpp"
#include "pipeline/pipeline.hpp"
#include "routing/router.hpp"
#include "steering/steering.hpp"

namespace tandem::app {

// Thread: main for everything but reload() and what view() gives the admin side; the constructor starts no thread.
class Server {
 public:
  // `read_config`: what a reload goes by; without one it goes by `config` again, with fresh pools.
  Server(config::Config config, native::Catalog catalog, pool::WorkerProgram worker_program,
         Generations::ReadConfig read_config = {});
  ~Server();

  // A handler that requests meet before the router, made when that is there. Before start().
  using MakeGate = std::function<std::unique_ptr<service::Handler>(const service::Handler& router)>;
  void stand_before_router(MakeGate make_gate) { make_gate_ = std::move(make_gate); }
  // Called when the server begins to stop, before it waits for what runs. Before run().
  void when_stopping(std::function<void()> hook) { when_stopping_ = std::move(hook); }

  // Starts the pools, proves every endpoint, opens the listeners, starts the I/O threads. Errors: code "listen.failed" for
  // an address that can't be had; everything else is a mistake in the config or the program it names.
  Result<void> start();

  // Where to look and what to try, for standard output; its last line is "ready".
  std::string banner() const;
  // Where it listens, as URLs: the listeners of the config in their order, then the admin side.
  std::vector<std::string> listening() const;

  // What an application has turned out to be, "ASGI" or "WSGI"; empty while it is not loaded.
  std::string_view interface_of(const config::EndpointConfig& endpoint) const;

  // Lets a new generation serve: its config, fresh workers, a new route table. On failure nothing changes. `done`, which may
  // be empty, is told how it went, on another thread. Thread: any.
  void reload(std::string by, Generations::Done done) { generations_.reload(std::move(by), std::move(done)); }

  // Calls `announce` once signals are heeded, serves until SIGTERM or SIGINT, then stops. A second signal ends the process
  // at once with 1; SIGHUP reloads. Returns the exit code.
  int run(const std::function<void()>& announce);

  // Drains: no request that was accepted is lost within the drain timeout.
  void stop();

 private:
  Result<void> open_listeners();
  void start_threads();
  void prepare_access_log(const config::Config& config);
  void apply(const config::Config& config, unsigned loop);
  std::vector<std::string> switch_to(Deployment& next);
  void adopt_experiments(const Deployment& deployment);
  std::string own_metrics() const;

  admin::ServerView view();
  admin::StatusView status() const;
  std::vector<admin::RouteView> routes() const;
  std::vector<admin::PoolView> pools() const;
  // Calls `look` with the pools of every generation that runs.
  void for_each_pool(const std::function<void(const pool::PoolBackend&, const Deployment&, bool is_retiring)>& look) const;
  std::vector<admin::StacksView> stacks() const;
  std::vector<admin::RequestsView> requests() const;

  struct AdminSide;

  const config::Config config_;  // of the start: what it says of addresses, threads and the log's place holds to the end
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  observe::Registry registry_;
  mutable std::mutex access_log_mutex_;
  std::unique_ptr<observe::AccessLog> access_log_;  // made when it is first wanted; guarded by access_log_mutex_
  std::vector<std::unique_ptr<Loop>> loops_;
  Loop admin_loop_;
  native::NativeBackend native_;
  pool::WorkerProgram worker_program_;
  SystemClock clock_;
  std::unique_ptr<steering::Steering> steering_;
  Surroundings surroundings_;
  Generations generations_;
  std::unique_ptr<routing::Router> router_;
  MakeGate make_gate_;
  std::unique_ptr<service::Handler> gate_;  // null: none
  std::function<void()> when_stopping_;
  std::unique_ptr<pipeline::ErrorBoundary> boundary_;
  std::vector<std::unique_ptr<pipeline::Forwarded>> forwarded_;  // by loop; null: no proxy is trusted
  std::unique_ptr<pipeline::ExchangeObserver> silent_observer_;
  std::unique_ptr<pipeline::ExchangeObserver> logging_observer_;  // null until there is an access log
  net::ListenerTotals totals_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::vector<net::Bound> bound_;
  net::ListenerTotals admin_totals_;
  std::unique_ptr<AdminSide> admin_;
  ErrandThread questions_{"tandem-ask"};  // what the admin side asks of the workers
  std::atomic<admin::Readiness> readiness_{admin::Readiness::starting};
  std::vector<std::shared_ptr<void>> metric_sources_;
  std::vector<std::thread> threads_;
};

}  // namespace tandem::app
