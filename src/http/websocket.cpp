#include "http/websocket.hpp"

namespace tandem::http {

bool close_code::may_be_sent(std::uint16_t code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != kNone && code != kLost) || (code >= 3000 && code <= 4999);
}

Task<std::optional<Message>> read_message(WebSocket& socket) {
  Message message;
  while (true) {
    const auto part = co_await socket.read();
    if (!part) co_return std::nullopt;
    message.data += part->bytes;
    message.text = part->text;
    if (part->last) co_return message;
  }
}

}  // namespace tandem::http
