// One I/O thread's event loop: its io_context, its timer wheel, a coarse clock, and work put off to the end of a poll round.
// Thread: everything but post() only on the loop's own thread (or before it runs).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <utility>

#include "base/clock.hpp"
#include "base/timer_wheel.hpp"

namespace tandem {

class Loop {
 public:
  // `index` numbers the I/O threads from 0 and selects the shard of every per-thread counter.
  explicit Loop(unsigned index);

  unsigned index() const { return index_; }
  boost::asio::io_context& context() { return context_; }
  TimerWheel& wheel() { return wheel_; }

  // The time of the last tick: at most one tick old while the loop is not blocked by a handler.
  TimePoint coarse_now() const { return coarse_now_; }
  // "Mon, 23 Nov 2026 10:00:00 GMT" (RFC 9110 §5.6.7), made once a second.
  std::string_view date() const { return {date_, sizeof(date_) - 1}; }

  // Runs until stop(). The caller's thread becomes the loop's.
  void run();
  void stop();

  // Runs `work` on the loop's thread. Thread: any.
  template <class Work>
  void post(Work&& work) {
    boost::asio::post(context_, std::forward<Work>(work));
  }

 private:
  void schedule_tick();
  void refresh_date();

  unsigned index_;
  boost::asio::io_context context_;
  boost::asio::steady_timer tick_timer_;
  TimePoint coarse_now_;
  TimerWheel wheel_;
  char date_[30] = {};
  std::int64_t date_second_ = -1;
};

}  // namespace tandem
