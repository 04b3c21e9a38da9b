// Settings of the HTTP front. JSON names and defaults: docs/config.md.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"

namespace tandem::net {

// Where to accept: host:port, [v6]:port or unix:/path. Port 0 takes a free one.
struct ListenOptions {
  enum class Kind : std::uint8_t { tcp, unix_socket };
  Kind kind = Kind::tcp;
  std::string host = "0.0.0.0";  // a numeric address, or "localhost"
  std::uint16_t port = 8080;
  std::string path;  // Unix socket
  std::string text;  // as written
};

struct Limits {
  std::uint64_t header_bytes = 16 * 1024;  // request line and fields; more: 431
  std::uint32_t header_count = 100;        // fields; more: 431
  std::uint64_t uri_bytes = 8 * 1024;      // request target; more: 414
  std::uint64_t body_bytes = 1024 * 1024;  // more: 413, as the bytes arrive; UINT64_MAX: no limit
  std::uint32_t connections = 10000;       // a further one is answered 503 and closed
  Milliseconds header_timeout{10000};      // from the first byte of a request to its last field; then 408
  Milliseconds body_timeout{30000};        // between two reads of a body; then 408
  Milliseconds idle_timeout{75000};        // of a connection between requests
  Milliseconds write_timeout{30000};       // without progress while the client does not read
  Milliseconds drain_timeout{30000};       // for what runs when the server stops
};

struct WebSocketOptions {
  std::uint64_t max_message = 16 * 1024 * 1024;  // a larger one closes with 1009
  Milliseconds ping_interval{20000};             // of silence before a ping; 0: none
  Milliseconds ping_timeout{20000};              // of silence after it; then the client counts as gone
  bool compression = true;                       // permessage-deflate (RFC 7692), when the client offers it
};

struct NetOptions {
  Limits limits;
  WebSocketOptions websocket;
  bool strict = false;  // also refuse what the RFCs tolerate but proxies read differently
};

}  // namespace tandem::net
