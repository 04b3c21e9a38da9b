// Time as the server sees it: a monotonic nanosecond clock behind an interface, so that tests can bring their own.
#pragma once

#include <chrono>
#include <cstdint>

namespace tandem {

using Nanoseconds = std::chrono::nanoseconds;
using Milliseconds = std::chrono::milliseconds;

// A point of the monotonic clock.
using TimePoint = std::chrono::steady_clock::time_point;

// Thread: now() from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  virtual std::chrono::system_clock::time_point wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  std::chrono::system_clock::time_point wall() const override { return std::chrono::system_clock::now(); }
};

}  // namespace tandem
