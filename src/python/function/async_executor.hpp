// Runs `async def` endpoints on one asyncio loop (uvloop where it is installed). The lanes are watched by the loop:
// everything received becomes tasks at once, answers gather until the loop's next round and go out with one write a lane.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "python/executor.hpp"
#include "python/function/answer.hpp"
#include "python/object.hpp"

namespace tandem::python {

class AsyncExecutor final : public Executor {
 public:
  AsyncExecutor(const Program& program, ControlChannel& control, std::vector<int> lanes, std::vector<bool> streamed,
                PyObject* runtime);
  ~AsyncExecutor() override = default;

  void run(PyInterpreterState* interpreter) override;
  bool wait_for_piece(const Gil& gil, Exchange& exchange) override;
  PyObject* make_waiter(const Gil& gil, Exchange& exchange) override;
  void grant(Exchange& exchange, std::size_t bytes) override;

  // What the loop calls. False with a Python exception set.
  bool on_read(const Gil& gil, std::size_t lane);
  bool on_wake(const Gil& gil);
  bool on_flush(const Gil& gil);
  bool on_writable(const Gil& gil, std::size_t lane);
  // The task of `request` is over: that of the endpoint, or the one that sends its streamed answer.
  void on_done(const Gil& gil, PyObject* request, PyObject* task);
  bool stopped() const { return stopped_; }

  // What runtime.send_stream() calls.
  bool add_piece(const Gil& gil, std::uint64_t id, PyObject* piece, bool& sent);
  bool resume(const Gil& gil, std::uint64_t id);
  PyObject* make_stream_waiter(const Gil& gil, std::uint64_t id);
  bool end_stream(const Gil& gil, std::uint64_t id);

 private:
  struct Running {
    ExchangePtr exchange;
    Object task;
    Object waiter;  // a future that somebody awaits until a piece or credit comes
    std::unique_ptr<StreamWriter> writer;
    bool cancel_sent = false;
  };

  void start_waiting(const Gil& gil);
  void start(const Gil& gil, const ExchangePtr& exchange);
  // Makes a task and arranges for on_done(). False with a Python exception set.
  bool spawn(const Gil& gil, PyObject* request, PyObject* coroutine, Running& running);
  void answer(const Gil& gil, PyObject* request, PyObject* returned);
  void fail(const Gil& gil, Exchange& exchange, const Failure& failure);
  void end(const Gil& gil, Exchange& exchange);
  void notify_touched(const Gil& gil);
  void schedule_flush(const Gil& gil);
  void stop_when_drained(const Gil& gil);

  PyObject* const runtime_;
  std::unordered_map<std::uint64_t, Running> running_;
  std::vector<std::uint64_t> touched_;
  std::vector<bool> writing_;  // lanes whose socket is full: the loop tells when it has room
  std::vector<bool> closed_;
  Object loop_, make_task_, bound_flush_, bound_writable_, self_;
  bool flush_scheduled_ = false;
  std::atomic<bool> stopped_{false};
};

// Makes the types that the loop's callbacks are bound to. False with a Python exception set.
bool add_async_types(const Gil& gil);

}  // namespace tandem::python
