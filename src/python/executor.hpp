// One thread of the worker that runs endpoints, with its lanes. What a synchronous and the asynchronous one share:
// receiving, waking, draining, and the loaded program.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "python/control_channel.hpp"
#include "python/exchange.hpp"
#include "python/gil.hpp"
#include "python/inbox.hpp"
#include "python/outbox.hpp"

namespace tandem::python {

// What hello named, loaded. Filled before the executors start, then read-only; the references are kept until the process
// ends.
enum class Interface { function, asgi, wsgi };

struct Endpoint {
  PyObject* callable = nullptr;
  Interface interface = Interface::function;
  bool is_async = false;           // runs on the asynchronous executor
  bool takes_request = true;       // a function's
  PyObject* root_path = nullptr;   // an application's: a str to put before the request's
  bool path_without_root = false;  // it wants the path below the root path alone (ASGI before 2024, as Starlette < 0.33)
};
using Program = std::vector<Endpoint>;

class Executor {
 public:
  Executor(const Program& program, ControlChannel& control, std::vector<int> lanes, std::vector<bool> streamed,
           bool notes_touched);
  virtual ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // The thread's body: serves until drained.
  virtual void run(PyInterpreterState* interpreter) = 0;

  // For a body stream's reader: waits until something came for the exchange, or gives something to await. nullptr or false
  // with a Python exception set. Thread: the executor's.
  virtual bool wait_for_piece(const Gil& gil, Exchange& exchange) = 0;
  virtual PyObject* make_waiter(const Gil& gil, Exchange& exchange) = 0;
  // The endpoint has taken so many bytes of a streamed body.
  virtual void grant(Exchange& exchange, std::size_t bytes);

  // Thread: any.
  Inbox& inbox() { return inbox_; }
  void wake();
  // Takes in what lies in the lanes while the executor is busy.
  void read_ahead();
  // Serve what has been received, then return from run().
  void drain();

 protected:
  // Receives from one lane; false when it is closed.
  bool read_lane(std::size_t lane);
  void clear_wake();
  bool draining() const { return draining_; }
  // Blocks until everything has been written.
  void flush_all();

  const Program& program_;
  ControlChannel& control_;
  const std::vector<int> lanes_;
  const int wake_;  // eventfd
  std::vector<Outbox> outboxes_;
  Inbox inbox_;

 private:
  std::atomic<bool> draining_{false};
};

}  // namespace tandem::python
