// The worker's end of the control socket. Any thread may send; nobody blocks on a front that does not read: what the socket
// does not take is kept up to a bound and written by the control thread, log records beyond the bound are dropped and
// counted.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "frames/frame.hpp"

namespace tandem::python {

class ControlChannel {
 public:
  explicit ControlChannel(int socket) : socket_(socket) {}

  int socket() const { return socket_; }

  // Thread: any.
  void send(frames::Type type, std::uint64_t id = 0, std::string_view payload = {});
  // `level` as spdlog numbers them.
  void log(int level, std::string_view logger, std::string_view message, std::string_view request_id = {});

  // Writes what is kept; true when nothing is left.
  bool flush();
  // Writes everything, waiting for the front, for at most `milliseconds`.
  void flush_for(int milliseconds);
  bool has_output() const;

 private:
  bool write_some();
  void append_log(int level, std::string_view logger, std::string_view message, std::string_view request_id);

  const int socket_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::string out_;
  std::size_t sent_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace tandem::python
