#include "pool/pool_socket.hpp"

#include <algorithm>
#include <utility>

#include "pool/loop_dispatch.hpp"

namespace tandem::pool {

void PoolSocket::Gate::wake() { home.wake(*this); }

PoolSocket::PoolSocket(LoopDispatch& owner, Job& job, service::Call& service_call)
    : Receiver(service_call), home_(owner), job_(&job), from_worker_(owner), from_client_(owner), finish_(owner) {}

PoolSocket::~PoolSocket() {
  http::CloseReason lost;
  lost.code = http::close_code::kLost;
  send_close(lost);
}

Task<void> PoolSocket::run(http::WebSocket& socket) {
  call.waiting_for = this;
  reader_.spawn(to_worker(socket));
  auto written = to_client(socket);
  co_await written;
  Wait read{*this, finish_, &PoolSocket::is_read};
  co_await read;
  call.waiting_for = nullptr;
}

Task<void> PoolSocket::to_client(http::WebSocket& socket) {
  while (true) {
    Wait news{*this, from_worker_, &PoolSocket::has_news};
    co_await news;
    if (client_closed_ || call.cancelled) co_return;
    if (parts_.empty()) break;
    const auto part = std::move(parts_.front());
    parts_.pop_front();
    http::MessagePart view;
    view.bytes = part.bytes;
    view.text = part.text;
    view.last = part.last;
    const bool taken = co_await socket.write(view);
    if (!taken) co_return;
    grant(part.bytes.size());
  }
  // The worker has closed it, or ended without.
  http::CloseReason reason;
  reason.code = error_ ? http::close_code::kInternalError : http::close_code::kNormal;
  if (closing_) reason = *closing_;
  auto closed = socket.close(reason.code, reason.text);
  co_await closed;
}

Task<void> PoolSocket::to_worker(http::WebSocket& socket) {
  while (true) {
    const auto part = co_await socket.read();
    if (!part) break;
    auto rest = part->bytes;
    do {
      Wait credit{*this, from_client_, &PoolSocket::may_send};
      if (!rest.empty()) co_await credit;
      if (job_ == nullptr || call.cancelled) break;
      const auto count = std::min(
          {rest.size(), static_cast<std::size_t>(std::max<std::int64_t>(credit_, 0)), std::size_t{frames::kMaxBodyFrame}});
      const bool ends = part->last && count == rest.size();
      credit_ -= static_cast<std::int64_t>(count);
      home_.send_message(*job_, rest.substr(0, count), part->text, ends);
      rest.remove_prefix(count);
    } while (!rest.empty());
  }
  send_close(socket.closed());
  client_closed_ = true;
  from_worker_.wake();
  finish_.wake();
  home_.resume_later();
}

void PoolSocket::grant(std::size_t written) {
  owed_ += written;
  if (job_ == nullptr || owed_ < frames::kInitialCredit / 4) return;
  home_.send_credit(*job_, static_cast<std::uint32_t>(owed_));
  owed_ = 0;
}

void PoolSocket::send_close(const http::CloseReason& reason) {
  if (job_) home_.send_close(*std::exchange(job_, nullptr), reason);
}

void PoolSocket::receive(const frames::Reader::Frame& frame) {
  auto payload = frame.payload;
  switch (frame.header.type) {
    case frames::Type::worker_message:
      if (closing_) break;
      parts_.push_back(
          {std::string(payload), (frame.header.flags & frames::kText) != 0, (frame.header.flags & frames::kEnd) != 0});
      from_worker_.wake();
      break;
    case frames::Type::worker_close:
      if (frames::Close close; !closing_ && frames::take(payload, close)) {
        closing_.emplace();
        closing_->code = close.code;
        closing_->text = payload;
        from_worker_.wake();
      }
      break;
    case frames::Type::request_credit:
      if (std::uint32_t bytes = 0; frames::take(payload, bytes)) credit_ += bytes;
      from_client_.wake();
      break;
    default:
      break;
  }
}

void PoolSocket::end(std::optional<Error> error) {
  job_ = nullptr;
  error_ = std::move(error);
  from_worker_.wake();
  from_client_.wake();
}

void PoolSocket::cancel() {
  from_worker_.wake();
  from_client_.wake();
  home_.resume_later();
}

}  // namespace tandem::pool
