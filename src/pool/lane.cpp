#include "pool/lane.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include "base/log.hpp"
#include "pool/loop_dispatch.hpp"

namespace tandem::pool {

namespace asio = boost::asio;
using boost::system::error_code;

Lane::Lane(LoopDispatch& home, std::shared_ptr<WorkerLink> link, Executor& executor, Descriptor socket)
    : home_(home), link_(std::move(link)), executor_(executor), socket_(home.loop().context()) {
  socket_.assign(asio::local::stream_protocol(), socket.release());
  socket_.non_blocking(true);
}

std::string& Lane::output() {
  if (!dirty_) {
    dirty_ = true;
    home_.schedule_flush(*this);
  }
  return out_;
}

void Lane::flush() {
  dirty_ = false;
  if (waiting_to_write_ || closed_) return;
  while (written_ < out_.size()) {
    error_code error;
    written_ += socket_.write_some(asio::buffer(out_.data() + written_, out_.size() - written_), error);
    if (!error) continue;
    if (error != asio::error::would_block && error != asio::error::try_again) break;  // the read side learns why
    if (written_ > out_.size() / 2) {
      out_.erase(0, written_);
      written_ = 0;
    }
    waiting_to_write_ = true;
    socket_.async_wait(asio::socket_base::wait_write, [this](error_code failed) {
      waiting_to_write_ = false;
      if (closed_)
        home_.forget_if_settled(*this);
      else if (!failed)
        flush();
    });
    return;
  }
  static constexpr std::size_t kKeep = 1024 * 1024;
  if (out_.capacity() > kKeep)
    out_ = std::string();
  else
    out_.clear();
  written_ = 0;
}

void Lane::read() {
  reading_ = true;
  char* const free = reader_.prepare(kReadBytes);
  socket_.async_read_some(asio::buffer(free, reader_.room()),
                          [this](error_code error, std::size_t count) { on_read(error, count); });
}

void Lane::on_read(const error_code& error, std::size_t count) {
  reading_ = false;
  if (closed_) {
    home_.forget_if_settled(*this);
    return;
  }
  reader_.commit(count);
  const bool sane = take_frames();
  if (!error && sane) {
    home_.after_frames();
    read();
    return;
  }
  if (!sane) home_.report(link_->name + ": sent something that is no frame of the worker protocol");
  home_.lane_ended(*this);
}

bool Lane::take_frames() {
  frames::Reader::Frame frame;
  while (true) {
    switch (reader_.next(frame)) {
      case frames::Reader::Status::frame:
        home_.on_frame(*this, frame);
        break;
      case frames::Reader::Status::need_more:
        return true;
      case frames::Reader::Status::malformed:
        return false;
    }
  }
}

void Lane::drain() {
  if (closed_) return;
  error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_receive, ignored);
}

void Lane::close() {
  closed_ = true;
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace tandem::pool
