// The native endpoints by name. Filled by hand in handlers/catalog.cpp: a function and a line.
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include "http/websocket.hpp"
#include "service/handler.hpp"

namespace tandem::native {

// Answers at once. Must not block: it runs on an I/O thread.
using Function = http::Response (*)(const http::Request&);
// May wait (service::sleep_for, the request's body).
using Coroutine = Task<http::Response> (*)(http::Request&, service::Call&);

// A WebSocket: runs from 101 to its end, and returning closes it.
using WebSocketEndpoint = Task<void> (*)(http::Request&, http::WebSocket&, service::Call&);

enum class BodyMode : std::uint8_t {
  buffered,  // the whole body is in memory (request.body_text()) before the endpoint is called
  streamed,  // a Coroutine reads request.body itself
};

struct Entry {
  std::string_view name;
  std::variant<Function, Coroutine, WebSocketEndpoint> endpoint;
  BodyMode body = BodyMode::buffered;
  std::string_view subprotocols{};  // of a WebSocket: what it speaks, best first, separated by commas
};

using Catalog = std::span<const Entry>;

}  // namespace tandem::native
