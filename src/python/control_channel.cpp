#include "python/control_channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace tandem::python {
namespace {
constexpr std::size_t kMaxKept = 4 * 1024 * 1024;
constexpr std::size_t kMaxMessage = 256 * 1024;
}  // namespace

void ControlChannel::send(frames::Type type, std::uint64_t id, std::string_view payload) {
  const std::lock_guard lock(mutex_);
  frames::append_frame(out_, type, 0, id, payload);
  write_some();
}

void ControlChannel::log(int level, std::string_view logger, std::string_view message, std::string_view request_id) {
  const std::lock_guard lock(mutex_);
  if (out_.size() - sent_ > kMaxKept) {
    ++dropped_;
    return;
  }
  if (dropped_ > 0) {
    append_log(3, "tandem",
               std::to_string(dropped_) + " log records were dropped: they came faster than they could be written", {});
    dropped_ = 0;
  }
  append_log(level, logger, message, request_id);
  write_some();
}

void ControlChannel::append_log(int level, std::string_view logger, std::string_view message, std::string_view request_id) {
  frames::LogHead head;
  head.level = static_cast<std::uint8_t>(level);
  std::string text;
  frames::Strings strings(text);
  head.logger = strings.add(logger.substr(0, kMaxMessage));
  head.message = strings.add(message.substr(0, kMaxMessage));
  head.request_id = strings.add(request_id);
  std::string payload(frames::bytes_of(head));
  payload.append(text);
  frames::append_frame(out_, frames::Type::log, 0, 0, payload);
}

bool ControlChannel::write_some() {
  while (sent_ < out_.size()) {
    const auto written = ::send(socket_, out_.data() + sent_, out_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (written < 0) break;  // the front is gone; the control thread will see that
    sent_ += static_cast<std::size_t>(written);
  }
  out_.clear();
  sent_ = 0;
  return true;
}

bool ControlChannel::flush() {
  const std::lock_guard lock(mutex_);
  return write_some();
}

void ControlChannel::flush_for(int milliseconds) {
  while (!flush()) {
    pollfd wait{socket_, POLLOUT, 0};
    if (::poll(&wait, 1, milliseconds) <= 0) return;
  }
}

bool ControlChannel::has_output() const {
  const std::lock_guard lock(mutex_);
  return sent_ < out_.size();
}

}  // namespace tandem::python
