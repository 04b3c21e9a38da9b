// A connection's stream in memory: hands over the given segments, one per read, and keeps what is written. Shaped like an
// Asio socket; handlers run from the io_context, never inside the call that started the operation.
#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace tandem::support {

class MemoryStream {
 public:
  using error_code = boost::system::error_code;
  using executor_type = boost::asio::io_context::executor_type;

  // No write takes more than `max_write` bytes.
  explicit MemoryStream(boost::asio::io_context& context, std::size_t max_write = SIZE_MAX)
      : context_(context), max_write_(max_write) {}

  // --- the client's side
  void send(std::string_view segment) {
    if (segment.empty()) return;
    segments_.emplace_back(segment);
    serve_reader();
  }
  // Nothing follows the segments sent so far.
  void send_end() {
    peer_ended_ = true;
    serve_reader();
  }
  const std::string& received() const { return received_; }
  bool received_end() const { return send_shut_ || closed_; }
  bool closed() const { return closed_; }

  // --- the server's side
  executor_type get_executor() { return context_.get_executor(); }

  template <class Handler>
  void async_read_some(boost::asio::mutable_buffer buffer, Handler handler) {
    assert(!reader_ && "one read at a time");
    target_ = buffer;
    reader_ = std::move(handler);
    serve_reader();
  }

  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler handler) {
    error_code error;
    const auto count = write_some(buffers, error);
    boost::asio::post(context_, [handler = std::move(handler), error, count]() mutable { handler(error, count); });
  }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, error_code& error) {
    error = closed_ ? boost::asio::error::bad_descriptor : send_shut_ ? boost::asio::error::broken_pipe : error_code();
    if (error) return 0;
    std::size_t count = 0;
    for (auto at = boost::asio::buffer_sequence_begin(buffers); at != boost::asio::buffer_sequence_end(buffers); ++at) {
      const boost::asio::const_buffer part = *at;
      const auto taken = std::min(part.size(), max_write_ - count);
      received_.append(static_cast<const char*>(part.data()), taken);
      count += taken;
    }
    return count;
  }

  // Ends a read that still waits for bytes.
  void cancel() {
    if (reader_) finish_read(boost::asio::error::operation_aborted, 0);
  }
  void shutdown_send() { send_shut_ = true; }
  void close() {
    closed_ = true;
    cancel();
  }

 private:
  void serve_reader() {
    if (!reader_) return;
    if (closed_) return finish_read(boost::asio::error::bad_descriptor, 0);
    if (target_.size() == 0) return finish_read({}, 0);
    if (segments_.empty()) {
      if (peer_ended_) finish_read(boost::asio::error::eof, 0);
      return;
    }
    auto& segment = segments_.front();
    const auto count = boost::asio::buffer_copy(target_, boost::asio::buffer(segment));
    segment.erase(0, count);
    if (segment.empty()) segments_.pop_front();
    finish_read({}, count);
  }

  void finish_read(error_code error, std::size_t count) {
    boost::asio::post(context_, [handler = std::exchange(reader_, {}), error, count] { handler(error, count); });
  }

  boost::asio::io_context& context_;
  const std::size_t max_write_;
  std::deque<std::string> segments_;
  std::string received_;
  std::function<void(error_code, std::size_t)> reader_;
  boost::asio::mutable_buffer target_;
  bool peer_ended_ = false;
  bool send_shut_ = false;
  bool closed_ = false;
};

}  // namespace tandem::support
