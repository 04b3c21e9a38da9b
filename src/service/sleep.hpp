// co_await sleep_for(call, 250ms): a wait that holds no thread and ends early when the call is cancelled.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <coroutine>

#include "service/cpu_piece.hpp"

namespace tandem::service {

class sleep_for final : Cancellable {
 public:
  sleep_for(Call& call, Nanoseconds duration) : call_(call), timer_(call.loop.context(), duration) {}

  bool await_ready() const noexcept { return call_.cancelled; }
  void await_suspend(std::coroutine_handle<> awaiter) {
    call_.waiting_for = this;
    was_running_ = is_cpu_running(call_);
    stop_cpu(call_);
    timer_.async_wait([this, awaiter](boost::system::error_code) {
      call_.waiting_for = nullptr;
      awaiter.resume();
    });
  }
  void await_resume() const {
    if (was_running_) start_cpu(call_);
  }

 private:
  void cancel() override { timer_.cancel(); }

  Call& call_;
  boost::asio::steady_timer timer_;
  bool was_running_ = false;
};

}  // namespace tandem::service
