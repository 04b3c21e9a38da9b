// What a request costs the worker. Reading a thread's CPU clock is a system call: short requests of a synchronous executor
// are taken to have been on the CPU all the time and only long ones are measured; coroutines are measured where the front
// asks for it.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>

#include "frames/frame.hpp"

namespace tandem::python {

inline std::int64_t now_ns(clockid_t clock = CLOCK_MONOTONIC) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

// Of a synchronous executor. Thread: one.
class BatchClock {
 public:
  static constexpr std::int64_t kMeasuredNs = 20'000;

  // At the start of a batch: `waited_ns` for the interpreter counts for its first request.
  void begin_batch(std::int64_t now, std::int64_t waited_ns) {
    waited_ns_ = waited_ns;
    mark(now);
  }

  frames::Timing stop(std::int64_t started_ns, std::int64_t now) {
    frames::Timing timing;
    const auto wall = std::max<std::int64_t>(now - started_ns, 0);
    auto cpu = wall;
    if (wall > kMeasuredNs) {
      // Between the mark and the start there were only short requests.
      const auto before = cpu_mark_ns_;
      const auto short_ones = started_ns - wall_mark_ns_;
      mark(now);
      cpu = std::clamp<std::int64_t>(cpu_mark_ns_ - before - short_ones, 0, wall);
    }
    timing.handler_ns = static_cast<std::uint64_t>(wall);
    timing.cpu_ns = static_cast<std::uint64_t>(cpu);
    timing.gil_ns = static_cast<std::uint64_t>(waited_ns_);
    waited_ns_ = 0;
    return timing;
  }

 private:
  void mark(std::int64_t now) {
    wall_mark_ns_ = now;
    cpu_mark_ns_ = now_ns(CLOCK_THREAD_CPUTIME_ID);
  }

  std::int64_t waited_ns_ = 0;
  std::int64_t wall_mark_ns_ = 0;
  std::int64_t cpu_mark_ns_ = 0;
};

// The CPU time of one coroutine, for requests that want it: of the steps that it makes on the loop's thread, without what
// others do between them. Thread: one.
class StepClock {
 public:
  bool is_running() const { return mark_ns_ >= 0; }
  void start() { mark_ns_ = now_ns(CLOCK_THREAD_CPUTIME_ID); }
  void stop() {
    spent_ns_ = spent_ns();
    mark_ns_ = -1;
  }
  std::int64_t spent_ns() const {
    return spent_ns_ + (is_running() ? std::max<std::int64_t>(now_ns(CLOCK_THREAD_CPUTIME_ID) - mark_ns_, 0) : 0);
  }

 private:
  std::int64_t mark_ns_ = -1;
  std::int64_t spent_ns_ = 0;
};

}  // namespace tandem::python
