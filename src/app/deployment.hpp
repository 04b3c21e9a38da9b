// One generation of what is served: a config, its pools, and the route table over them. It is started before it serves, and
// ends once the last request that uses it has ended.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/compose.hpp"
#include "base/clock.hpp"
#include "base/loop.hpp"
#include "config/config.hpp"
#include "native/native_backend.hpp"
#include "observe/metrics.hpp"
#include "pool/pool_backend.hpp"
#include "routing/route_table.hpp"

namespace tandem::app {

// What all generations of a server share; it outlives them.
struct Surroundings {
  const native::NativeBackend& native;
  const pool::WorkerProgram& worker_program;
  std::vector<Loop*> loops;  // by index; they run while a deployment starts and stops
  observe::Registry& registry;
  ComposedTable::PrepareExperiment prepare_experiment;  // called on the thread that starts a deployment
};

class Deployment {
 public:
  using Pools = std::map<std::string, std::shared_ptr<pool::PoolBackend>>;

  Deployment(unsigned generation, config::Config config, const Surroundings& surroundings);
  // Its requests have ended and stop() was called, or it never served.
  ~Deployment();
  Deployment(const Deployment&) = delete;
  Deployment& operator=(const Deployment&) = delete;

  // Starts the pools, proves every endpoint and composes the table; on failure nothing is left running. `previous`: the
  // generation that serves meanwhile, null at the server's start; a pool in thread mode is taken over from it, since a
  // process has one interpreter. Errors: "reload.needs_restart" for what that forbids; else a mistake in the config or the
  // program it names. Thread: one that may block.
  Result<void> start(const Deployment* previous);
  // A start() in progress fails soon, and a later one at once. Thread: any.
  void give_up_start();

  // The table, to be given to the router once, after start(). The deployment is in use until the last copy has gone,
  // wherever that happens: nothing but a flag changes there.
  std::shared_ptr<const routing::RouteTable> table();
  // Waits until nothing uses it, at most until `deadline` or hurry(); false when something does.
  bool wait_unused(TimePoint deadline);
  // Waits for nothing any more. Thread: any.
  void hurry();

  // Lets work in progress finish until `deadline`, then ends it. Pools that `successor` has taken over go on. Thread: none
  // of the loops'.
  void stop(TimePoint deadline, const Deployment* successor);

  unsigned generation() const { return generation_; }
  const config::Config& config() const { return config_; }
  const Pools& pools() const { return pools_; }
  // The handlers of its routes with an experiment. After start().
  const std::deque<experiment::ExperimentHandler>& experiments() const { return composed_->experiments(); }
  // What the person who asked for it should know, in sentences. After start().
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  // Lives as long as the table's last user.
  struct Usage {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    bool hurried = false;
  };

  Result<void> take_over_threads(const Deployment* previous);
  Result<void> start_pools();
  void name_interfaces();
  Result<const service::Handler*> find_endpoint(const config::EndpointConfig& endpoint,
                                                std::optional<Milliseconds> timeout) const;

  const unsigned generation_;
  config::Config config_;  // constant after start()
  const Surroundings& surroundings_;
  std::vector<std::string> warnings_;
  Pools pools_;  // complete after start()
  std::shared_ptr<const ComposedTable> composed_;
  const std::shared_ptr<Usage> usage_ = std::make_shared<Usage>();

  std::mutex starting_mutex_;
  pool::PoolBackend* starting_ = nullptr;  // guarded by starting_mutex_
  bool given_up_ = false;                  // guarded by starting_mutex_
};

}  // namespace tandem::app
