// Runs ASGI applications and `async def` endpoints on one asyncio loop (uvloop where it is installed). The lanes are watched
// by the loop: every request received becomes a task at once, and what the tasks answer goes out with one write a lane, at
// the end of the callback that brought it or in the loop's next round.
#pragma once

#include <atomic>
#include <future>
#include <string>
#include <vector>

#include "python/asgi/scope.hpp"
#include "python/async_request.hpp"
#include "python/eager_task.hpp"
#include "python/executor.hpp"
#include "python/object.hpp"
#include "python/python_errors.hpp"

namespace tandem::python {

class AsyncExecutor final : public Executor {
 public:
  AsyncExecutor(const Program& program, ControlChannel& control, std::vector<int> lanes, std::vector<bool> streamed,
                PyObject* runtime);
  ~AsyncExecutor() override = default;

  void run(PyInterpreterState* interpreter) override;
  // Until the applications have started: "", or the JSON of the `failed` frame, and then run() has returned. Thread: any
  // other, without the GIL; once.
  std::string wait_until_started() { return started_.get_future().get(); }

  bool wait_for_piece(const Gil& gil, Exchange& exchange) override;
  PyObject* make_waiter(const Gil& gil, Exchange& exchange) override;
  void grant(Exchange& exchange, std::size_t bytes) override;

  // What the loop calls. False with a Python exception set.
  bool on_started(const Gil& gil, PyObject* failure, PyObject* states);
  bool on_read(const Gil& gil, std::size_t lane);
  bool on_wake(const Gil& gil);
  bool on_flush(const Gil& gil);
  bool on_writable(const Gil& gil, std::size_t lane);
  bool stopped() const { return stopped_; }

  // --- for requests
  // Runs the coroutine as a task, its first step at once. The request may be over when this returns. False with a Python
  // exception set when there is no task.
  bool spawn(const Gil& gil, AsyncRequest& request, Object coroutine);
  // The coroutine has ended, or never began: discards the request.
  void retire(const Gil& gil, AsyncRequest& request);
  // The front has its answer; the coroutine may go on.
  void end(const Gil& gil, Exchange& exchange);
  void append_failure(const Gil& gil, Exchange& exchange, const Failure& failure);
  // Frames for the front, which leave soon after.
  std::string& out(const Gil& gil, const Exchange& exchange);
  // Asks for more body or message bytes.
  void append_credit(const Gil& gil, const Exchange& exchange, std::size_t bytes);
  PyObject* loop() const { return loop_.get(); }
  ScopeMaker& scopes() { return scopes_; }
  const Endpoint& endpoint_of(const Exchange& exchange) const { return program_[exchange.head.endpoint]; }
  frames::Timing timing_of(const Exchange& exchange) const;
  ControlChannel& control() { return control_; }

 private:
  friend class AsyncRequest;

  // Answers given meanwhile are written at its end.
  class Batch;

  void set_up(const Gil& gil);
  void tell_started(const std::string& failure);
  void link(AsyncRequest& request);
  void start_waiting(const Gil& gil, Batch& batch);
  void start(const Gil& gil, const ExchangePtr& exchange);
  void notify_touched(const Gil& gil);
  void cancel_all(const Gil& gil);
  void cancel(const Gil& gil, AsyncRequest& request);
  bool flush(const Gil& gil);
  void stop_when_drained(const Gil& gil);

  PyObject* const runtime_;
  std::promise<std::string> started_;
  std::atomic<bool> stopped_{false};

  // The thread's own.
  ScopeMaker scopes_;
  EagerTasks tasks_;
  AsyncRequest* running_ = nullptr;  // a list
  std::vector<ExchangePtr> touched_;
  std::vector<bool> writing_;  // lanes whose socket is full: the loop tells when it has room
  std::vector<bool> closed_;
  Object loop_, bound_flush_, bound_writable_, self_;
  bool start_told_ = false;
  bool in_batch_ = false;
  bool flush_scheduled_ = false;
};

// Makes the types that the loop's callbacks are bound to. False with a Python exception set.
bool add_async_types(const Gil& gil);

}  // namespace tandem::python
