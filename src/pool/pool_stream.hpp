// A streamed answer of a worker, as the connection reads it. Grants the worker credit as the connection takes the bytes, so
// that a slow client holds a bounded amount of memory. Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "http/body.hpp"
#include "pool/waiter.hpp"

namespace tandem::pool {

class PoolStream final : public http::ResponseStream, Sleeper, service::Cancellable {
 public:
  // `upload`: the request's body, as far as it is still on its way; may be null.
  PoolStream(LoopDispatch& owner, Job& job, service::Call& call, std::optional<std::uint64_t> length,
             std::unique_ptr<Upload> upload);
  ~PoolStream() override;

  std::optional<std::uint64_t> content_length() const override { return length_; }
  Task<Result<std::string_view>> read() override;

  // For LoopDispatch: the worker's frames.
  void append(std::string_view bytes);
  void end(std::optional<Error> error);
  service::Call& call() { return call_; }

 private:
  struct Wait {
    PoolStream& stream;
    bool await_ready() const noexcept { return stream.is_ready(); }
    void await_suspend(std::coroutine_handle<> awaiter) noexcept {
      stream.sleeping = awaiter;
      stream.call_.waiting_for = &stream;
    }
    void await_resume() const noexcept { stream.call_.waiting_for = nullptr; }
  };

  bool is_ready() const { return job_ == nullptr || !incoming_.empty() || call_.cancelled; }
  void cancel() override;
  void grant(std::size_t consumed);

  Job* job_;  // null once the worker has ended it
  service::Call& call_;
  const std::optional<std::uint64_t> length_;
  std::string incoming_;
  std::string handed_out_;
  std::size_t owed_ = 0;  // read, not yet granted
  std::optional<Error> error_;
  std::unique_ptr<Upload> upload_;
};

}  // namespace tandem::pool
