// An http::Request as the frames that hand it to a worker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/request.hpp"
#include "service/call.hpp"

namespace tandem::pool {

// What a request_head says beside the request itself.
struct RequestFacts {
  std::uint64_t id = 0;
  std::uint16_t endpoint = 0;
  std::uint32_t timeout_ms = 0;
  bool streamed = false;   // the body follows later, under credit
  bool websocket = false;  // a handshake
};

// Appends the request's frames: head and, unless it is streamed, the whole `body` cut to size.
void append_request(std::string& out, const RequestFacts& facts, const http::Request& request, const service::Call& call,
                    std::string_view body);

// Appends body bytes cut to size; `last`: no more follow, and an empty frame says so if need be.
void append_body(std::string& out, std::uint64_t id, std::string_view bytes, bool last);

}  // namespace tandem::pool
