// The CPU time of a native endpoint, read around each piece of it that runs: from its start or the end of a wait to the next
// wait or its end. Reading the clock is a system call, so that only requests pay for it whose trial asks for it.
#pragma once

#include <time.h>

#include "service/call.hpp"

namespace tandem::service {

inline Nanoseconds thread_cpu_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

inline bool is_cpu_running(const Call& call) { return call.trial.cpu_mark.count() >= 0; }

inline void start_cpu(Call& call) {
  if (call.trial.wants_cpu) call.trial.cpu_mark = thread_cpu_time();
}

inline void stop_cpu(Call& call) {
  if (!is_cpu_running(call)) return;
  call.cpu_time += thread_cpu_time() - call.trial.cpu_mark;
  call.trial.cpu_mark = Nanoseconds(-1);
}

// From here to the end of the scope, without the waits between.
class CpuPiece {
 public:
  explicit CpuPiece(Call& call) : call_(call) { start_cpu(call_); }
  ~CpuPiece() { stop_cpu(call_); }
  CpuPiece(const CpuPiece&) = delete;
  CpuPiece& operator=(const CpuPiece&) = delete;

 private:
  Call& call_;
};

// A wait inside a piece: what other requests do meanwhile is none of this one's.
class CpuPause {
 public:
  explicit CpuPause(Call& call) : call_(call), was_running_(is_cpu_running(call)) {
    if (was_running_) stop_cpu(call_);
  }
  ~CpuPause() {
    if (was_running_) start_cpu(call_);
  }
  CpuPause(const CpuPause&) = delete;
  CpuPause& operator=(const CpuPause&) = delete;

 private:
  Call& call_;
  bool was_running_;
};

}  // namespace tandem::service
