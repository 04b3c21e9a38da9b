// Told about every exchange that has ended, on the I/O thread it ran on: counters and the access log.
#pragma once

#include <cstdint>

#include "http/request.hpp"
#include "service/call.hpp"

namespace tandem::service {

struct Ending {
  int status = 0;
  std::uint64_t body_bytes_sent = 0;
  std::uint64_t body_bytes_received = 0;
  Nanoseconds total{0};    // head complete → answer in the output buffer (a stream: its last piece)
  Nanoseconds upgrade{0};  // of a 101: head complete → 101; `total` is until the WebSocket's end
  Nanoseconds write{0};    // waiting for the socket to take a streamed answer; zero for buffered ones
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void ended(const http::Request& request, const Call& call, const Ending& ending) const = 0;
};

}  // namespace tandem::service
