// Runs `def` endpoints, one at a time in the order they came: receives without the interpreter, runs everything received
// under one hold of it, then writes the answers with one write a lane.
#pragma once

#include <poll.h>

#include <atomic>
#include <vector>

#include "python/executor.hpp"
#include "python/function/answer.hpp"
#include "python/stopwatch.hpp"

namespace tandem::python {

class SyncExecutor final : public Executor {
 public:
  SyncExecutor(const Program& program, ControlChannel& control, std::vector<int> lanes, std::vector<bool> streamed);

  void run(PyInterpreterState* interpreter) override;
  bool wait_for_piece(const Gil& gil, Exchange& exchange) override;
  PyObject* make_waiter(const Gil& gil, Exchange& exchange) override;

  // Raises tandem.Cancelled in the endpoint if it is still this request's. Thread: any but the executor's.
  void interrupt(const Gil& gil, std::uint64_t id);

 private:
  void serve_waiting(const Gil& gil);
  void serve(const Gil& gil, const ExchangePtr& exchange);
  // False with `failure` filled, or with a Python exception set.
  bool answer(const Gil& gil, Exchange& exchange, PyObject* returned, Failure& failure);
  bool stream(const Gil& gil, Exchange& exchange, Answer answer);
  bool wait_while_serving(const Gil& gil, Exchange& exchange);
  bool raise_if_cancelled(const Gil& gil, Exchange& exchange);

  // Waits for frames, a wake, or room to write, then receives.
  void poll_lanes();
  void flush_some();

  std::vector<pollfd> polled_;  // the lanes, then wake_
  BatchClock clock_;
  std::int64_t flushed_ns_ = 0;
  std::atomic<unsigned long> thread_{0};
};

}  // namespace tandem::python
