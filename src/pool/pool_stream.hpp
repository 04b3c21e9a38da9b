// A streamed answer of a worker, as the connection reads it. Grants the worker credit as the connection takes the bytes, so
// that a slow client holds a bounded amount of memory. Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "http/body.hpp"
#include "pool/receiver.hpp"
#include "pool/waiter.hpp"

namespace tandem::pool {

class PoolStream final : public http::ResponseStream, public Receiver, Sleeper, service::Cancellable {
 public:
  // `upload`: the request's body, as far as it is still on its way; may be null.
  PoolStream(LoopDispatch& owner, Job& job, service::Call& service_call, std::optional<std::uint64_t> length,
             std::unique_ptr<Upload> upload);
  ~PoolStream() override;

  std::optional<std::uint64_t> content_length() const override { return length_; }
  Task<Result<std::string_view>> read() override;

  // --- Receiver
  void receive(const frames::Reader::Frame& frame) override;
  void end(std::optional<Error> error) override;
  void append(std::string_view bytes);

 private:
  struct Wait {
    PoolStream& stream;
    bool await_ready() const noexcept { return stream.is_ready(); }
    void await_suspend(std::coroutine_handle<> awaiter) noexcept {
      stream.sleeping = awaiter;
      stream.call.waiting_for = &stream;
    }
    void await_resume() const noexcept { stream.call.waiting_for = nullptr; }
  };

  bool is_ready() const { return job_ == nullptr || !incoming_.empty() || call.cancelled; }
  void cancel() override;
  void grant(std::size_t consumed);

  Job* job_;  // null once the worker has ended it
  const std::optional<std::uint64_t> length_;
  std::string incoming_;
  std::string handed_out_;
  std::size_t owed_ = 0;  // read, not yet granted
  std::optional<Error> error_;
  std::unique_ptr<Upload> upload_;
};

}  // namespace tandem::pool
