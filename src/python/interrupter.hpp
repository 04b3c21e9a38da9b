// The thread of a worker that waits for the interpreter on behalf of the control thread, which must not: it answers pings,
// so that the front sees how long the interpreter was held, and raises tandem.Cancelled in synchronous endpoints.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>

#include "python/control_channel.hpp"
#include "python/sync_executor.hpp"

namespace tandem::python {

class Interrupter {
 public:
  Interrupter(ControlChannel& control, PyInterpreterState* interpreter);
  ~Interrupter() { stop(); }
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  // Thread: the control thread, without the GIL.
  void ping(std::uint64_t id);
  void interrupt(SyncExecutor& executor, std::uint64_t id);
  // What was asked for before is still done.
  void stop();

 private:
  struct Job {
    std::uint64_t id;
    SyncExecutor* executor;  // nullptr: a ping
  };

  void add(Job job);
  void run();

  ControlChannel& control_;
  PyInterpreterState* const interpreter_;
  std::mutex mutex_;
  std::condition_variable added_;
  // Guarded by mutex_.
  std::deque<Job> jobs_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace tandem::python
