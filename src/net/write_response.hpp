// A response's head in HTTP/1.1 wire form, with what the server adds: Date, framing, request id, arm, timing.
#pragma once

#include <optional>
#include <string>

#include "http/request.hpp"
#include "http/response.hpp"
#include "service/call.hpp"

namespace tandem::net {

struct ResponseFraming {
  bool send_body = true;  // false for HEAD, 204, 304
  bool chunked = false;
  std::optional<std::uint64_t> content_length;  // of a body that is or would be sent
  bool keep_alive = true;
};

// How `response` to `request` will be framed; clears framing.keep_alive when only closing ends the body (HTTP/1.0 streams).
ResponseFraming frame_response(const http::Request& request, const http::Response& response, bool keep_alive);

// Appends status line and fields. The response's own Content-Length, Transfer-Encoding, Connection and Keep-Alive are left
// out: framing is the server's.
void append_head(std::string& out, const http::Request& request, const http::Response& response,
                 const ResponseFraming& framing, const service::Call& call, Nanoseconds total);

// Appends an interim response (1xx) with these "Name: value\r\n" lines; framing fields are left out.
void append_interim(std::string& out, int status, std::string_view lines);

// The size line of a chunk, without data.
void append_chunk_size(std::string& out, std::size_t size);

inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace tandem::net
