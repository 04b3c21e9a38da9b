// WebSockets (RFC 6455) as endpoints see them: messages and an end, without frames, masks or pings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.hpp"

namespace tandem::http {

// RFC 6455 §7.4.1 and its registry; endpoints may use 3000 to 4999 as they like.
namespace close_code {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kNone = 1005;  // a close without a code; never sent
inline constexpr std::uint16_t kLost = 1006;  // the connection ended without a close; never sent
inline constexpr std::uint16_t kBadPayload = 1007;
inline constexpr std::uint16_t kTooBig = 1009;
inline constexpr std::uint16_t kInternalError = 1011;
inline constexpr std::uint16_t kServiceRestart = 1012;

// May it stand in a close frame?
bool may_be_sent(std::uint16_t code);
}  // namespace close_code

// How a WebSocket was closed.
struct CloseReason {
  std::uint16_t code = close_code::kNone;
  std::string text;  // UTF-8
};

// A piece of a message, in order. A long message comes and goes in several.
struct MessagePart {
  std::string_view bytes;
  bool text = false;  // of the whole message: text (UTF-8, checked) rather than binary
  bool last = true;
};

// The server's end of an open WebSocket. One read() and one write() may be under way at a time, on the connection's I/O
// thread. Pings and pongs are the server's own matter. Who reads learns of the end there, others by their call, which is
// cancelled.
class WebSocket {
 public:
  virtual ~WebSocket() = default;

  // The next part; its view lives until the next call. nullopt: it is closed, see closed().
  virtual Task<std::optional<MessagePart>> read() = 0;

  // Returns when the connection has taken the part, so that a slow client slows its endpoint. False: it is closed.
  virtual Task<bool> write(MessagePart part) = 0;

  // Sends a close and waits for the client's, for a few seconds at most. kNone sends none of the two; a code that may not be
  // sent becomes kInternalError; the text is cut to 123 bytes. Does nothing more when it is closed already.
  virtual Task<void> close(std::uint16_t code, std::string_view text = {}) = 0;

  // Once read() has given nullopt: what the client said, else what was said to it; kLost if neither was.
  virtual const CloseReason& closed() const = 0;

  // Sec-WebSocket-Protocol of the answer; empty: none.
  virtual std::string_view subprotocol() const = 0;
};

// A whole message.
struct Message {
  std::string data;
  bool text = false;
};

// The next message, put together; nullopt: closed. It has at most websocket.max_message bytes.
Task<std::optional<Message>> read_message(WebSocket& socket);

// What goes on over a connection after 101.
class WebSocketSession {
 public:
  virtual ~WebSocketSession() = default;

  // Returning closes the WebSocket with kNormal if it is open still, an exception with kInternalError. Destroyed without
  // run() when the client had gone.
  virtual Task<void> run(WebSocket& socket) = 0;
};

}  // namespace tandem::http
