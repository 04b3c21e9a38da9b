// A WebSocket whose endpoint is at a worker: hands messages over in both directions, each under credit, so that neither a
// slow client nor a slow endpoint holds more than a bounded amount of memory. Thread: the loop's.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/task_group.hpp"
#include "frames/frame.hpp"
#include "http/websocket.hpp"
#include "pool/receiver.hpp"
#include "pool/sleeper.hpp"

namespace tandem::pool {

class Job;

class PoolSocket final : public http::WebSocketSession, public Receiver, service::Cancellable {
 public:
  PoolSocket(LoopDispatch& owner, Job& job, service::Call& service_call);
  // The request goes on at the worker until its endpoint has ended; how the WebSocket ended it has been told.
  ~PoolSocket() override;

  Task<void> run(http::WebSocket& socket) override;

  // --- Receiver
  void receive(const frames::Reader::Frame& frame) override;
  void end(std::optional<Error> error) override;

 private:
  // Where one direction waits.
  class Gate final : public Sleeper {
   public:
    using Sleeper::Sleeper;
    void wake();
  };
  struct Wait {
    PoolSocket& socket;
    Gate& gate;
    bool (PoolSocket::*is_over)() const;
    bool await_ready() const noexcept { return (socket.*is_over)(); }
    void await_suspend(std::coroutine_handle<> awaiter) noexcept { gate.sleeping = awaiter; }
    void await_resume() const noexcept {}
  };
  struct Part {
    std::string bytes;
    bool text = false;
    bool last = true;
  };

  bool has_news() const { return !parts_.empty() || closing_ || job_ == nullptr || client_closed_ || call.cancelled; }
  bool is_read() const { return reader_.size() == 0; }
  bool may_send() const { return credit_ > 0 || job_ == nullptr || call.cancelled; }
  Task<void> to_client(http::WebSocket& socket);
  Task<void> to_worker(http::WebSocket& socket);
  void grant(std::size_t written);
  void send_close(const http::CloseReason& reason);
  void cancel() override;

  LoopDispatch& home_;
  Job* job_;  // null once the worker has ended it or been told of the end
  Gate from_worker_;
  Gate from_client_;
  Gate finish_;
  TaskGroup reader_;
  std::deque<Part> parts_;  // from the worker
  std::optional<http::CloseReason> closing_;
  std::optional<Error> error_;
  std::size_t owed_ = 0;  // written, not yet granted
  std::int64_t credit_ = frames::kInitialCredit;
  bool client_closed_ = false;
};

}  // namespace tandem::pool
