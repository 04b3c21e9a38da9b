// A connection's coroutine while its request is at the pool. Lives in the coroutine's frame; the answer is put into it.
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "pool/sleeper.hpp"
#include "pool/upload.hpp"
#include "service/call.hpp"

namespace tandem::pool {

class Job;

class Waiter final : public Sleeper, service::Cancellable {
 public:
  struct Wait {
    Waiter& waiter;
    bool await_ready() const noexcept { return waiter.response.has_value(); }
    void await_suspend(std::coroutine_handle<> awaiter) noexcept {
      waiter.sleeping = awaiter;
      waiter.call.waiting_for = &waiter;
    }
    void await_resume() const noexcept { waiter.call.waiting_for = nullptr; }
  };

  Waiter(LoopDispatch& owner, const http::Request& http_request, service::Call& service_call)
      : Sleeper(owner), request(http_request), call(service_call) {}
  ~Waiter();

  // Until `response` is there.
  Wait answered() { return Wait{*this}; }

  // The response is there.
  void notify();

  const http::Request& request;
  service::Call& call;
  std::string_view body;           // of a request that is not streamed
  Nanoseconds timeout{0};          // from dispatch to answer
  std::unique_ptr<Upload> upload;  // of a request that is streamed
  bool websocket = false;          // a handshake
  std::uint16_t endpoint = 0;
  TimePoint submitted{};

  Job* job = nullptr;  // null before submit and after the answer
  std::optional<http::Response> response;
  std::optional<http::Response> partial;  // of a buffered answer whose body is still coming

 private:
  void cancel() override;
};

}  // namespace tandem::pool
