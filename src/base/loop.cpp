#include "base/loop.hpp"

#include <cstdio>
#include <ctime>

namespace tandem {

// One thread runs the context, so the reactor's own locks are not needed; posting from other threads stays safe.
Loop::Loop(unsigned index)
    : index_(index),
      context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      tick_timer_(context_),
      coarse_now_(std::chrono::steady_clock::now()),
      wheel_(coarse_now_) {
  refresh_date();
}

void Loop::run() {
  schedule_tick();
  context_.run();
}

void Loop::stop() { context_.stop(); }

void Loop::schedule_tick() {
  tick_timer_.expires_after(TimerWheel::kTick);
  tick_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    coarse_now_ = std::chrono::steady_clock::now();
    refresh_date();
    wheel_.advance(coarse_now_);
    schedule_tick();
  });
}

void Loop::refresh_date() {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t second = std::time(nullptr);
  if (second == date_second_) return;
  date_second_ = second;
  std::tm utc{};
  gmtime_r(&second, &utc);
  std::snprintf(date_, sizeof(date_), "%s, %02u %s %04u %02u:%02u:%02u GMT", kDays[utc.tm_wday], unsigned(utc.tm_mday) % 100,
                kMonths[utc.tm_mon], unsigned(utc.tm_year + 1900) % 10000, unsigned(utc.tm_hour) % 100,
                unsigned(utc.tm_min) % 100, unsigned(utc.tm_sec) % 100);
}

}  // namespace tandem
