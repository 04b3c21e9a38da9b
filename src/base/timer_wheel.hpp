// Coarse deadlines for many connections: arming and disarming is O(1) and allocates nothing. A timer fires at the first tick
// at or after its deadline. Thread: one, the loop that ticks it.
#pragma once

#include <array>
#include <cstddef>

#include "base/clock.hpp"

namespace tandem {

class TimerWheel {
 public:
  static constexpr Milliseconds kTick{20};

  // Derive from it, or hold one; destroying an armed timer disarms it.
  class Timer {
   public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    virtual ~Timer() { disarm(); }

    void disarm();
    bool armed() const { return next_ != nullptr; }

   protected:
    // Runs on the wheel's thread, disarmed; may arm itself again or destroy itself.
    virtual void expired() = 0;

   private:
    friend class TimerWheel;
    Timer* previous_ = nullptr;
    Timer* next_ = nullptr;
    TimePoint deadline_{};
  };

  explicit TimerWheel(TimePoint start);
  ~TimerWheel();

  void arm(Timer& timer, TimePoint deadline);

  // Fires what is due by `now`.
  void advance(TimePoint now);

 private:
  static constexpr std::size_t kSlots = 1024;  // 20 s a turn; later deadlines wait for further turns

  struct Slot final : Timer {
    void expired() override {}
  };

  std::size_t slot_of(TimePoint deadline) const;
  void fire(Timer& head, TimePoint now);

  std::array<Slot, kSlots> slots_;
  TimePoint start_;
  long long tick_ = 0;
};

}  // namespace tandem
