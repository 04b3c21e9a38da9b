#include "pool/pool_backend.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <iterator>
#include <map>
#include <mutex>

#include "base/log.hpp"
#include "pool/dispatch.hpp"
#include "pool/loop_dispatch.hpp"
#include "pool/pool_handler.hpp"
#include "pool/supervisor.hpp"

namespace tandem::pool {

// The parts in the order of their construction; the threads among them end in stop().
class Pool {
 public:
  Pool(PoolOptions pool_options, WorkerProgram worker_program, const std::vector<Loop*>& event_loops,
       observe::Registry& registry)
      : options(std::move(pool_options)),
        program(std::move(worker_program)),
        dispatch(options, static_cast<unsigned>(event_loops.size())),
        supervisor(options, program, dispatch, loops, registry) {
    for (unsigned i = 0; i < event_loops.size(); ++i)
      loops.push_back(std::make_unique<LoopDispatch>(*event_loops[i], i, options, dispatch, supervisor, registry, loops));
    for (std::size_t i = 0; i < options.endpoints.size(); ++i) add_handler(i, options.timeout);
    source = registry.add_source([this](std::string& out) { write_metrics(out); });
  }

  PoolHandler* add_handler(std::size_t endpoint, Milliseconds timeout) {
    handlers.push_back(
        std::make_unique<PoolHandler>(loops, static_cast<std::uint16_t>(endpoint), options.endpoints[endpoint], timeout));
    return handlers.back().get();
  }

  std::optional<std::size_t> index_of(std::string_view endpoint) const {
    for (std::size_t i = 0; i < options.endpoints.size(); ++i)
      if (options.endpoints[i].target == endpoint) return i;
    return std::nullopt;
  }

  void stop(TimePoint deadline) {
    if (std::exchange(stopped, true)) return;
    supervisor.stop(deadline);
    source.reset();
    {
      const std::lock_guard lock(mutex);
      if (!std::exchange(is_in_loops, false)) return;
    }
    run_on_loops([](LoopDispatch& loop) { loop.shut(); });
    // What the loops had still to do for each other or for their sockets; then nothing of the pool is left in them.
    bool settled = false;
    for (int round = 0; round < 100 && !settled; ++round) {
      settled = true;
      if (!run_on_loops([&](LoopDispatch& loop) { settled = settled && loop.settled(); })) break;
    }
  }

  std::vector<RequestState> requests(Milliseconds patience) {
    struct Gathered {
      std::mutex mutex;
      std::condition_variable more;
      std::vector<RequestState> found;
      std::size_t told = 0;
    };
    const auto gathered = std::make_shared<Gathered>();
    std::unique_lock in_loops(mutex);  // what is posted now, stop() comes after
    if (!is_in_loops) return {};
    for (const auto& loop : loops) {
      loop->loop().post([gathered, one = loop.get()] {
        std::vector<RequestState> found;
        one->list_requests(found);
        const std::lock_guard lock(gathered->mutex);
        std::move(found.begin(), found.end(), std::back_inserter(gathered->found));
        ++gathered->told;
        gathered->more.notify_one();
      });
    }
    in_loops.unlock();
    std::unique_lock lock(gathered->mutex);
    gathered->more.wait_for(lock, patience, [&] { return gathered->told == loops.size(); });
    auto found = std::move(gathered->found);
    lock.unlock();
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& one, const auto& other) { return one.age_seconds > other.age_seconds; });
    return found;
  }

  const PoolOptions options;
  const WorkerProgram program;
  Dispatch dispatch;
  std::vector<std::unique_ptr<LoopDispatch>> loops;
  Supervisor supervisor;
  std::vector<std::unique_ptr<PoolHandler>> handlers;  // by endpoint, then those with a timeout of their own
  std::shared_ptr<void> source;
  std::mutex mutex;
  bool is_in_loops = false;  // guarded by mutex: it has started, and its loops know it
  bool stopped = false;

 private:
  // Runs `work` on each loop's thread and waits; here, for a loop that has stopped or was never run. False when one was.
  bool run_on_loops(const std::function<void(LoopDispatch&)>& work) {
    static constexpr Milliseconds kPatience{300};
    bool all_run = true;
    for (const auto& loop : loops) {
      struct Errand {
        std::promise<void> done;
        std::atomic<bool> taken{false};
      };
      const auto errand = std::make_shared<Errand>();
      const auto run_here = [&] {
        if (errand->taken.exchange(true)) return false;
        all_run = false;
        work(*loop);
        return true;
      };
      auto done = errand->done.get_future();
      if (loop->loop().context().stopped() && run_here()) continue;
      loop->loop().post([errand, &work, one = loop.get()] {
        if (errand->taken.exchange(true)) return;
        work(*one);
        errand->done.set_value();
      });
      while (done.wait_for(kPatience) != std::future_status::ready)
        if ((!loop->has_run() || loop->loop().context().stopped()) && run_here()) break;
    }
    return all_run;
  }

  void write_metrics(std::string& out) const {
    const auto pool = observe::escape_label(options.name);
    std::map<std::string, int> counts{{"starting", 0}, {"ready", 0}, {"draining", 0}, {"stuck", 0}, {"backing_off", 0}};
    for (const auto& worker : supervisor.board().workers()) ++counts[worker.state];
    out += "# HELP tandem_python_workers Workers by state.\n# TYPE tandem_python_workers gauge\n";
    for (const auto& [state, count] : counts)
      out.append("tandem_python_workers{pool=\"")
          .append(pool)
          .append("\",state=\"")
          .append(state)
          .append("\"} ")
          .append(std::to_string(count))
          .append("\n");
    out += "# HELP tandem_python_queue Requests that wait for a worker.\n# TYPE tandem_python_queue gauge\n";
    out += "tandem_python_queue{pool=\"" + pool + "\"} " + std::to_string(dispatch.queued()) + "\n";
  }
};

PoolBackend::PoolBackend(PoolOptions options, WorkerProgram program, std::vector<Loop*> loops, observe::Registry& registry)
    : pool_(std::make_unique<Pool>(std::move(options), std::move(program), loops, registry)) {}

PoolBackend::~PoolBackend() { pool_->stop(TimePoint::min()); }

Result<void> PoolBackend::start() {
  if (pool_->options.mode == Mode::thread) {
    log().warn(
        "pool {}: workers are threads of this process; crashes, hard time-outs, memory limits and replacement are only "
        "promised for \"mode\": \"process\"",
        pool_->options.name);
  }
  auto result = pool_->supervisor.start();
  if (result) {
    {
      const std::lock_guard lock(pool_->mutex);
      pool_->is_in_loops = true;
    }
    const auto interfaces = pool_->supervisor.interfaces();
    for (auto& handler : pool_->handlers) handler->set_interface(interfaces[handler->endpoint()]);
  }
  return result;
}

Result<const service::Handler*> PoolBackend::find(std::string_view endpoint) const {
  if (const auto index = pool_->index_of(endpoint))
    return static_cast<const service::Handler*>(pool_->handlers[*index].get());
  return Error("python.not_found", "pool " + pool_->options.name + " has no endpoint \"" + std::string(endpoint) + "\"");
}

service::BackendKind PoolBackend::kind_of(std::string_view endpoint) const {
  const auto index = pool_->index_of(endpoint);
  return index ? pool_->handlers[*index]->kind() : service::BackendKind::none;
}

const service::Handler* PoolBackend::find_with(std::string_view endpoint, Milliseconds timeout) {
  const auto index = pool_->index_of(endpoint);
  if (!index) return nullptr;
  auto* const handler = pool_->add_handler(*index, timeout);
  if (const auto interfaces = pool_->supervisor.interfaces(); !interfaces.empty())
    handler->set_interface(interfaces[*index]);
  return handler;
}

void PoolBackend::stop(TimePoint deadline) { pool_->stop(deadline); }

std::vector<WorkerState> PoolBackend::workers() const { return pool_->supervisor.board().workers(); }
std::size_t PoolBackend::queued() const { return pool_->dispatch.queued(); }
std::vector<WorkerStacks> PoolBackend::stacks(Milliseconds patience) const { return pool_->supervisor.stacks(patience); }
std::vector<RequestState> PoolBackend::requests(Milliseconds patience) const { return pool_->requests(patience); }
void PoolBackend::give_up_start() { pool_->supervisor.give_up_start(); }
const PoolOptions& PoolBackend::options() const { return pool_->options; }

}  // namespace tandem::pool
