// Says back what it hears, message by message as it comes: nothing is held, however long a message is.
#include "http/websocket.hpp"
#include "service/handler.hpp"

namespace tandem::handlers {

Task<void> websocket_echo(http::Request&, http::WebSocket& socket, service::Call&) {
  while (const auto part = co_await socket.read())
    if (!co_await socket.write(*part)) break;
}

}  // namespace tandem::handlers
