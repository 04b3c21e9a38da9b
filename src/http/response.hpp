// One HTTP response, of whatever protocol version: a value that its handler returns and the connection writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "http/body.hpp"
#include "http/headers.hpp"
#include "http/websocket.hpp"

namespace tandem::http {

class Response {
 public:
  // Nothing, owned bytes, bytes of static storage, a stream, or (with 101) what goes on over the connection.
  using Body = std::variant<std::monostate, std::string, std::string_view, std::unique_ptr<ResponseStream>,
                            std::unique_ptr<WebSocketSession>>;

  explicit Response(int status_code = 200) : status(status_code) {}
  // `type` must be of static storage; use headers.add("Content-Type", …) and an empty `type` for one made at run time.
  Response(int status_code, std::string_view type, Body content)
      : status(status_code), content_type(type), body(std::move(content)) {}

  int status;
  std::string_view content_type;  // static storage; empty: none, or one in `headers`
  ResponseHeaders headers;
  Body body;
  bool close = false;  // end the connection after this answer

  // Bytes of a body that is not a stream; empty for a stream.
  std::string_view body_text() const {
    if (const auto* owned = std::get_if<std::string>(&body)) return *owned;
    if (const auto* fixed = std::get_if<std::string_view>(&body)) return *fixed;
    return {};
  }
  ResponseStream* stream() const {
    const auto* streamed = std::get_if<std::unique_ptr<ResponseStream>>(&body);
    return streamed ? streamed->get() : nullptr;
  }
  WebSocketSession* session() const {
    const auto* session = std::get_if<std::unique_ptr<WebSocketSession>>(&body);
    return session ? session->get() : nullptr;
  }
};

// The status of an answer that nobody will read: the client has gone. Never written; logged and counted (nginx's 499).
inline constexpr int kClientGone = 499;

inline constexpr std::string_view kTextPlain = "text/plain; charset=utf-8";
inline constexpr std::string_view kApplicationJson = "application/json";
inline constexpr std::string_view kOctetStream = "application/octet-stream";

inline Response text(std::string content) { return Response(200, kTextPlain, std::move(content)); }
inline Response json_text(std::string content) { return Response(200, kApplicationJson, std::move(content)); }

// "OK" for 200; "" for codes without a registered phrase.
std::string_view reason_phrase(int status);

// Bodies up to this are copied behind their head, so that answering them waits for nothing; larger ones are written from
// where they are.
inline constexpr std::size_t kBufferedBody = 16 * 1024;

// May a response of that status carry a body (not 1xx, 204, 304; RFC 9110 §6.4.1)?
constexpr bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace tandem::http
