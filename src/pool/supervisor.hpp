// Starts a pool's workers, watches them, replaces those that die, are stuck or are worn out, and lets them finish at the
// end. One thread with an event loop of its own; every call from elsewhere is posted to it. Thread: the supervisor's, except
// where it says otherwise.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "observe/metrics.hpp"
#include "pool/dispatch.hpp"
#include "pool/loop_dispatch.hpp"
#include "pool/pool_backend.hpp"
#include "pool/scaling.hpp"
#include "pool/stack_queries.hpp"
#include "pool/worker.hpp"
#include "pool/worker_board.hpp"

namespace tandem::pool {

class Supervisor final : public Overseer, Worker::Events {
 public:
  // `loops` is complete before start().
  Supervisor(const PoolOptions& options, const WorkerProgram& program, Dispatch& dispatch,
             const std::vector<std::unique_ptr<LoopDispatch>>& loops, observe::Registry& registry);
  ~Supervisor();

  // Starts the workers and waits until all are ready, or says why one is not. Thread: main.
  Result<void> start();
  // Lets requests and workers finish until `deadline`, then kills what is left. Thread: main.
  void stop(TimePoint deadline);
  // A start() in progress fails. Thread: any.
  void give_up_start();

  const WorkerBoard& board() const { return board_; }
  // Asks every worker now. Thread: any but the supervisor's.
  std::vector<WorkerStacks> stacks(Milliseconds patience);
  // By endpoint, as the first ready worker said: "function", "asgi", "wsgi". Empty before. Thread: any.
  std::vector<std::string> interfaces() const;

  void cancel(std::shared_ptr<WorkerLink> link, std::uint64_t id, frames::CancelReason reason) override;
  void take_back() override;
  void lane_lost(std::shared_ptr<WorkerLink> link) override;
  void stuck(std::shared_ptr<WorkerLink> link, std::uint64_t id, std::string endpoint) override;
  void log_error(std::string text) override;

 private:
  // A worker's place in the pool.
  struct Slot {
    std::shared_ptr<Worker> current;  // starting or ready
    std::shared_ptr<Worker> next;     // starting, to take the place of `current`
    unsigned quick_deaths = 0;        // in a row
    std::uint64_t restarts = 0;
    bool wanted = false;                    // a pool of adaptive size has more places than workers
    TimePoint start_at = TimePoint::max();  // backing off until then
  };

  void on_control(Worker& worker, const frames::Reader::Frame& frame) override;
  void on_control_closed(Worker& worker) override;
  void on_gone(Worker& worker, const std::string& how) override;

  std::shared_ptr<Worker> launch(unsigned slot);
  void start_slot(unsigned slot);
  void on_ready(Worker& worker, std::string_view message);
  void connect(Worker& worker);
  void start_failed(Worker& worker, const std::string& why);
  void back_off(unsigned slot, TimePoint lived_since);
  void count(RestartReason reason) { restarts_[static_cast<std::size_t>(reason)]->add(registry_.shared_shard()); }
  void close_link(Worker& worker);
  void retire(Worker& worker);
  void replace(Worker& worker, RestartReason reason);
  void kill(Worker& worker);
  Worker* find(const WorkerLink& link);
  void do_take_back();

  void schedule_tick();
  void tick();
  void watch(Worker& worker, TimePoint now, bool full_second);
  void ping(Worker& worker, TimePoint now);
  void give_up_requests(Worker& worker, TimePoint now);
  bool is_replacing() const;
  void scale(TimePoint now);
  void grow(std::size_t queued);
  void shrink(unsigned count);
  void tick_stop(TimePoint now);
  void report_start(Result<void> result);
  void publish();

  const PoolOptions& options_;
  const WorkerProgram& program_;
  Dispatch& dispatch_;
  const std::vector<std::unique_ptr<LoopDispatch>>& loops_;
  observe::Registry& registry_;
  std::array<observe::Counter*, kRestartReasons.size()> restarts_;
  observe::SharedHistogram& gil_wait_;
  std::atomic<int> errors_waiting_{0};

  boost::asio::io_context context_{1};
  boost::asio::steady_timer tick_timer_{context_};
  std::vector<Slot> slots_;
  std::vector<std::shared_ptr<Worker>> workers_;  // all that are not gone
  std::minstd_rand random_;
  std::optional<Scaling> scaling_;
  TimePoint look_at_{};
  StackQueries stack_queries_;
  TimePoint second_at_{};
  bool starting_ = true;  // start() waits
  bool start_given_up_ = false;
  bool stopping_ = false;
  bool draining_ = false;  // told the workers to finish
  bool gave_up_ = false;   // cancelled what still ran at the deadline
  bool killed_ = false;
  TimePoint stop_at_ = TimePoint::max();

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable started_;
  std::optional<Result<void>> start_result_;
  std::vector<std::string> interfaces_;

  WorkerBoard board_{dispatch_};
  std::thread thread_;
};

}  // namespace tandem::pool
