// The running server: owns loops, threads, backends, listeners and the admin side as plain members in construction order.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "admin/server_view.hpp"
#include "app/compose.hpp"
#include "base/loop.hpp"
#include "config/config.hpp"
#include "native/native_backend.hpp"
#include "net/listener.hpp"
#include "observe/access_log.hpp"
#include "observe/metrics.hpp"
#include "pipeline/pipeline.hpp"
#include "pool/pool_backend.hpp"
#include "routing/router.hpp"

namespace tandem::app {

// Thread: main for everything but view(), which the admin thread asks; the constructor starts no thread.
class Server {
 public:
  Server(config::Config config, native::Catalog catalog, pool::WorkerProgram worker_program);
  ~Server();

  // Starts the pools, proves every endpoint, opens the listeners, starts the I/O threads. Errors: code "listen.failed" for
  // an address that can't be had; everything else is a mistake in the config or the program it names.
  Result<void> start();

  // Where to look and what to try, for standard output; its last line is "ready".
  std::string banner() const;

  // Calls `announce` once signals are heeded, serves until SIGTERM or SIGINT, then drains: no request that was accepted is
  // lost within the drain timeout; a second signal ends the process at once with 1. Returns the exit code.
  int run(const std::function<void()>& announce);

 private:
  Result<const service::Handler*> find_endpoint(const config::EndpointConfig& endpoint,
                                                std::optional<Milliseconds> timeout) const;
  Result<void> start_pools();
  Result<void> open_listeners();
  void start_threads();
  void drain_and_stop();
  std::string connection_metrics() const;

  admin::ServerView view() const;
  admin::StatusView status() const;
  std::vector<admin::RouteView> routes() const;
  std::vector<admin::PoolView> pools() const;

  struct AdminSide;

  const config::Config config_;
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  observe::Registry registry_;
  std::unique_ptr<observe::AccessLog> access_log_;
  std::vector<std::unique_ptr<Loop>> loops_;
  Loop admin_loop_;
  native::NativeBackend native_;
  pool::WorkerProgram worker_program_;
  std::map<std::string, std::unique_ptr<pool::PoolBackend>> pools_;
  std::unique_ptr<routing::Router> router_;
  std::unique_ptr<pipeline::ErrorBoundary> boundary_;
  std::unique_ptr<pipeline::ExchangeObserver> observer_;
  net::ListenerTotals totals_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::vector<net::Bound> bound_;
  net::ListenerTotals admin_totals_;
  std::unique_ptr<AdminSide> admin_;
  std::atomic<admin::Readiness> readiness_{admin::Readiness::starting};
  std::vector<std::shared_ptr<void>> metric_sources_;
  std::vector<std::thread> threads_;
};

}  // namespace tandem::app
