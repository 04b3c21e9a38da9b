// co_await of something that another thread will bring: a reload's outcome, the workers' stacks. The wait holds no thread
// and ends early when the call is cancelled.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "service/call.hpp"

namespace tandem::admin {

template <class T>
class Reply final : service::Cancellable {
 public:
  using Done = std::function<void(T)>;
  // `ask` is called when the reply is awaited; it calls what it is given once, on any thread, even when nobody waits for it
  // any more. The call's loop outlives that.
  Reply(service::Call& call, std::function<void(Done)> ask) : call_(call), ask_(std::move(ask)) {}
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() { state_->awaiter = {}; }

  bool await_ready() const noexcept { return call_.cancelled; }
  void await_suspend(std::coroutine_handle<> awaiter) {
    state_->awaiter = awaiter;
    call_.waiting_for = this;
    ask_([state = state_, &loop = call_.loop](T value) {
      loop.post([state, value = std::move(value)]() mutable {
        state->value = std::move(value);
        state->resume();
      });
    });
  }
  // Nothing when the call was cancelled.
  std::optional<T> await_resume() {
    call_.waiting_for = nullptr;
    return std::move(state_->value);
  }

 private:
  // Touched on the loop's thread only.
  struct State {
    std::coroutine_handle<> awaiter;
    std::optional<T> value;
    void resume() {
      if (awaiter) std::exchange(awaiter, {}).resume();
    }
  };

  // The caller is in the middle of its connection, so the coroutine goes on from the loop.
  void cancel() override {
    call_.loop.post([state = state_] { state->resume(); });
  }

  service::Call& call_;
  std::function<void(Done)> ask_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace tandem::admin
