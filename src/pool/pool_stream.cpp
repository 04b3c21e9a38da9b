#include "pool/pool_stream.hpp"

#include <utility>

#include "pool/loop_dispatch.hpp"

namespace tandem::pool {

PoolStream::PoolStream(LoopDispatch& owner, Job& job, service::Call& service_call, std::optional<std::uint64_t> length,
                       std::unique_ptr<Upload> upload)
    : Receiver(service_call), Sleeper(owner), job_(&job), length_(length), upload_(std::move(upload)) {}

PoolStream::~PoolStream() {
  if (job_) home.abandon(*std::exchange(job_, nullptr));
}

Task<Result<std::string_view>> PoolStream::read() {
  Wait wait{*this};
  co_await wait;
  if (call.cancelled) co_return Error("client.gone", "the client closed the connection");
  if (incoming_.empty()) {
    if (error_) co_return *error_;
    co_return std::string_view{};
  }
  handed_out_.clear();
  handed_out_.swap(incoming_);
  grant(handed_out_.size());
  co_return std::string_view(handed_out_);
}

void PoolStream::grant(std::size_t consumed) {
  owed_ += consumed;
  if (job_ == nullptr || owed_ < frames::kInitialCredit / 4) return;
  home.send_credit(*job_, static_cast<std::uint32_t>(owed_));
  owed_ = 0;
}

void PoolStream::receive(const frames::Reader::Frame& frame) {
  if (frame.header.type == frames::Type::response_body) append(frame.payload);
}

void PoolStream::append(std::string_view bytes) {
  incoming_.append(bytes);
  home.wake(*this);
}

void PoolStream::end(std::optional<Error> error) {
  job_ = nullptr;
  error_ = std::move(error);
  home.wake(*this);
}

void PoolStream::cancel() {
  home.wake(*this);
  home.resume_later();
}

}  // namespace tandem::pool
