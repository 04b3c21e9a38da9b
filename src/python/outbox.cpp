#include "python/outbox.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace tandem::python {
namespace {
// Memory of a large answer that is not kept for the next.
constexpr std::size_t kKeepBytes = 256 * 1024;
}  // namespace

bool Outbox::flush() {
  while (sent_ < out_.size()) {
    const auto written = ::send(socket_, out_.data() + sent_, out_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      drop_sent();
      return false;
    }
    if (written < 0) break;
    sent_ += static_cast<std::size_t>(written);
  }
  sent_ = 0;
  out_.clear();
  if (out_.capacity() > kKeepBytes) out_.shrink_to_fit();
  return true;
}

// While streams keep coming nothing may ever be left empty, so what has been written goes when it is the larger part.
void Outbox::drop_sent() {
  if (sent_ < kKeepBytes || sent_ < out_.size() / 2) return;
  out_.erase(0, sent_);
  sent_ = 0;
}

}  // namespace tandem::python
