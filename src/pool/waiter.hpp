// A connection's coroutine while its request is at the pool. Lives in the coroutine's frame; the answer is put into it.
// Thread: the loop's.
#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "service/call.hpp"

namespace tandem::pool {

class Job;
class LoopDispatch;

// A suspended coroutine that LoopDispatch resumes once it is done with its own tables.
class Sleeper {
 public:
  explicit Sleeper(LoopDispatch& owner) : home(owner) {}
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  LoopDispatch& home;
  std::coroutine_handle<> sleeping;
  bool is_woken = false;

 protected:
  ~Sleeper();  // its coroutine may be destroyed while it sleeps
};

class Waiter final : public Sleeper, service::Cancellable {
 public:
  enum class Until : std::uint8_t {
    answered,  // `response` is there
    sent,      // … or the request is at a worker
    credit     // … or the worker takes more of a streamed body
  };

  struct Wait {
    Waiter& waiter;
    Until until;
    bool await_ready() const noexcept { return waiter.is_reached(until); }
    void await_suspend(std::coroutine_handle<> awaiter) noexcept {
      waiter.awaited_ = until;
      waiter.sleeping = awaiter;
      waiter.call.waiting_for = &waiter;
    }
    void await_resume() const noexcept { waiter.call.waiting_for = nullptr; }
  };

  Waiter(LoopDispatch& owner, const http::Request& http_request, service::Call& service_call)
      : Sleeper(owner), request(http_request), call(service_call) {}
  ~Waiter();

  Wait until(Until event) { return Wait{*this, event}; }

  // Something may have happened that it waits for.
  void notify();

  const http::Request& request;
  service::Call& call;
  std::string_view body;   // of a request that is not streamed
  Nanoseconds timeout{0};  // from dispatch to answer
  bool streamed_request = false;
  std::uint16_t endpoint = 0;
  TimePoint submitted{};

  Job* job = nullptr;  // null before submit and after the answer
  std::optional<http::Response> response;
  std::optional<http::Response> partial;  // of a buffered answer whose body is still coming
  std::int64_t credit = 0;                // body bytes that may still be sent

 private:
  bool is_reached(Until event) const;
  void cancel() override;

  Until awaited_ = Until::answered;
};

}  // namespace tandem::pool
