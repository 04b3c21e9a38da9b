// Runs `def` endpoints and WSGI applications, one request at a time in the order they came: receives without the
// interpreter, runs everything received under one hold of it, then writes the answers with one write a lane.
#pragma once

#include <poll.h>

#include <atomic>
#include <vector>

#include "python/executor.hpp"
#include "python/function/answer.hpp"
#include "python/stopwatch.hpp"
#include "python/wsgi/gateway.hpp"

namespace tandem::python {

class SyncExecutor final : public Executor {
 public:
  SyncExecutor(const Program& program, ControlChannel& control, std::vector<int> lanes, std::vector<bool> streamed);

  void run(PyInterpreterState* interpreter) override;
  bool wait_for_piece(const Gil& gil, Exchange& exchange) override;
  PyObject* make_waiter(const Gil& gil, Exchange& exchange) override;

  // Raises tandem.Cancelled in the endpoint if it is still this request's. Thread: any but the executor's.
  void interrupt(const Gil& gil, std::uint64_t id);
  // Of the request that it serves now; empty: none. Thread: any.
  std::string serving(const Gil& gil) const;
  // As threading.get_ident() has it; 0 before run().
  unsigned long thread() const { return thread_; }

  // For the request that is being served. Thread: the executor's.
  bool is_own_thread() const { return PyThread_get_thread_ident() == thread_; }
  ControlChannel& control() { return control_; }
  // Frames are appended here.
  std::string& out(const Exchange& exchange) { return outboxes_[exchange.lane].out(); }
  // Sends at once what `body` (anything with send(out)) holds, since the endpoint may take long over the next piece; waits
  // for credit and for room. False with a Python exception set when the request was given up.
  template <class Body>
  bool send(const Gil& gil, Exchange& exchange, Body& body) {
    auto& outbox = outboxes_[exchange.lane];
    bool wanted = true;
    while (wanted && !body.send(outbox.out())) wanted = wait_while_serving(gil, exchange);
    while (wanted && !outbox.flush()) wanted = wait_while_serving(gil, exchange);
    return wanted && raise_if_cancelled(gil, exchange);
  }
  // What the request has cost; once, for the frame that ends it.
  frames::Timing stop_clock(const Exchange& exchange) { return clock_.stop(exchange.started_ns, now_ns()); }
  // An interruption for a request that was given up does not hit what cleans up after it.
  void hold_interrupt(Exchange& exchange);

 private:
  void serve_waiting(const Gil& gil);
  void serve(const Gil& gil, const ExchangePtr& exchange);
  // Each false with `failure` filled, or with a Python exception set.
  bool serve_function(const Gil& gil, const ExchangePtr& exchange, const Endpoint& endpoint, Failure& failure);
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
  const Exchange* serving_ = nullptr;  // changed and looked at with the GIL held
  wsgi::Gateway gateway_{*this};
};

}  // namespace tandem::python
