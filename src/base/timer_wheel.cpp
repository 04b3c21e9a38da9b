#include "base/timer_wheel.hpp"

#include <algorithm>

namespace tandem {

void TimerWheel::Timer::disarm() {
  if (next_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

TimerWheel::TimerWheel(TimePoint start) : start_(start) {
  for (auto& slot : slots_) slot.previous_ = slot.next_ = &slot;
}

TimerWheel::~TimerWheel() {
  for (auto& slot : slots_)
    while (slot.next_ != &slot) slot.next_->disarm();
}

std::size_t TimerWheel::slot_of(TimePoint deadline) const {
  const auto ticks = (deadline - start_ + kTick - Nanoseconds(1)) / kTick;
  return static_cast<std::size_t>(std::max<long long>(ticks, tick_ + 1)) % kSlots;
}

void TimerWheel::arm(Timer& timer, TimePoint deadline) {
  timer.disarm();
  timer.deadline_ = deadline;
  Timer& head = slots_[slot_of(deadline)];
  timer.previous_ = head.previous_;
  timer.next_ = &head;
  head.previous_->next_ = &timer;
  head.previous_ = &timer;
}

void TimerWheel::advance(TimePoint now) {
  const auto target = (now - start_) / kTick;
  if (target - tick_ > static_cast<long long>(kSlots)) tick_ = target - static_cast<long long>(kSlots);
  while (tick_ < target) {
    ++tick_;
    fire(slots_[static_cast<std::size_t>(tick_) % kSlots], now);
  }
}

void TimerWheel::fire(Timer& head, TimePoint now) {
  // Due timers move to a list of their own first: what they arm or disarm while they run can't disturb the walk.
  Slot due;
  due.previous_ = due.next_ = &due;
  for (Timer* timer = head.next_; timer != &head;) {
    Timer* const next = timer->next_;
    if (timer->deadline_ <= now) {
      timer->disarm();
      timer->previous_ = due.previous_;
      timer->next_ = &due;
      due.previous_->next_ = timer;
      due.previous_ = timer;
    }
    timer = next;
  }
  while (due.next_ != &due) {
    Timer* const timer = due.next_;
    timer->disarm();
    timer->expired();
  }
  due.previous_ = due.next_ = nullptr;
}

}  // namespace tandem
