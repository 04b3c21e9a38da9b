// The front's side of a pool of workers as a Backend: starts them, hands requests out, replaces those that die.
// It knows the worker protocol and no Python.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/loop.hpp"
#include "observe/metrics.hpp"
#include "pool/pool_options.hpp"
#include "service/backend.hpp"

namespace tandem::pool {

// How a worker is brought to life. In process mode the front spawns `program args…` with the control socket as descriptor 3
// and the lanes from 4 on; in thread mode it calls `run(control, lanes)` on a thread of its own, which owns the descriptors
// and returns the exit code.
struct WorkerProgram {
  std::string executable;              // absolute
  std::string name = "tandem";         // what process lists show in its place
  std::vector<std::string> arguments;  // "worker", …; "--fd 3 --lanes N" is added
  std::function<int(int control, std::vector<int> lanes)> run;
};

// What `tandem workers` shows.
struct WorkerState {
  int pid = 0;
  std::string name{};  // "python-0"
  std::string state;   // starting, ready, draining, stuck, backing_off
  std::uint64_t in_flight = 0;
  std::uint64_t requests = 0;
  std::uint64_t restarts = 0;
  std::uint64_t rss_bytes = 0;
  double age_seconds = 0;
  double gil_wait_seconds = 0;  // of the last ping, or what the one under way has waited so far
};

// What `tandem stacks` shows.
struct WorkerStacks {
  int pid = 0;         // 0 in thread mode
  std::string worker;  // "python-0"
  std::string text;    // threads and tasks with their stacks; what is wrong when there is none
  bool raw = false;    // as faulthandler writes it, since the interpreter's lock was not to be had
};

// One request at the pool. What belongs to its client is empty once that has gone.
struct RequestState {
  std::string id;
  std::string endpoint;  // "shop:app"
  std::string route;
  std::string method;
  std::string path;
  std::string state;  // queued, running, streaming; cancelled: given up, but its worker has not ended it yet
  int pid = 0;        // of its worker; 0: none yet, or in thread mode
  double age_seconds = 0;
};

class Pool;

class PoolBackend final : public service::Backend {
 public:
  // `loops`: the I/O threads' loops by their index; they run, on threads other than the one that calls stop(), until stop()
  // has returned (or have been stopped themselves).
  PoolBackend(PoolOptions options, WorkerProgram program, std::vector<Loop*> loops, observe::Registry& registry);
  ~PoolBackend() override;

  Result<void> start() override;
  Result<const service::Handler*> find(std::string_view endpoint) const override;
  // "python", "asgi" or "wsgi": what the endpoint has turned out to be. After start().
  service::BackendKind kind_of(std::string_view endpoint) const;
  // The endpoint with a deadline of its own instead of the pool's; null when there is none of that name. Thread: main.
  const service::Handler* find_with(std::string_view endpoint, Milliseconds timeout);
  void stop(TimePoint deadline) override;

  // Thread: any.
  std::vector<WorkerState> workers() const;
  std::size_t queued() const;
  // Asks every worker now, and waits at most so long.
  std::vector<WorkerStacks> stacks(Milliseconds patience) const;
  // The oldest first; without those of a loop that does not answer within `patience`. Not on a loop's thread.
  std::vector<RequestState> requests(Milliseconds patience) const;
  // A start() in progress on another thread fails.
  void give_up_start();
  const PoolOptions& options() const;

 private:
  std::unique_ptr<Pool> pool_;
};

}  // namespace tandem::pool
