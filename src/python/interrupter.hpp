// The thread of a worker that waits for the interpreter on behalf of the control thread, which must not: it answers pings,
// so that the front sees how long the interpreter was held, raises tandem.Cancelled in synchronous endpoints, and tells the
// stacks of all threads.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "python/control_channel.hpp"
#include "python/sync_executor.hpp"

namespace tandem::python {

class Interrupter {
 public:
  // `executors`: the synchronous ones, complete before the first call.
  Interrupter(ControlChannel& control, PyInterpreterState* interpreter,
              const std::vector<std::unique_ptr<SyncExecutor>>& executors, PyObject* runtime);
  ~Interrupter() { stop(); }
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  // Thread: the control thread, without the GIL.
  void ping(std::uint64_t id);
  void interrupt(SyncExecutor& executor, std::uint64_t id);
  // Answers with what every thread and task is doing.
  void tell_stacks(std::uint64_t id);
  // What was asked for before is still done.
  void stop();

 private:
  struct Job {
    enum class Kind { ping, interrupt, stacks } kind;
    std::uint64_t id;
    SyncExecutor* executor = nullptr;  // that is interrupted
  };

  void add(Job job);
  void run();
  std::string format_stacks(const Gil& gil) const;

  ControlChannel& control_;
  PyInterpreterState* const interpreter_;
  const std::vector<std::unique_ptr<SyncExecutor>>& executors_;
  PyObject* const runtime_;
  std::mutex mutex_;
  std::condition_variable added_;
  // Guarded by mutex_.
  std::deque<Job> jobs_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace tandem::python
