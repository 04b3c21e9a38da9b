// The server's side of the opening handshake (RFC 6455 §4.2), as far as it is about the request.
#pragma once

#include <optional>
#include <string_view>

#include "http/request.hpp"
#include "http/response.hpp"

namespace tandem::http {

// Does it ask for a WebSocket (GET, HTTP/1.1, Connection: upgrade, Upgrade: websocket)?
bool asks_for_websocket(const Request& request);

// The answer to such a request that breaks RFC 6455 §4.2.1 otherwise; nullopt: it may be accepted.
std::optional<Response> refuse_handshake(const Request& request, std::string_view request_id);

// The answer of an endpoint that is a WebSocket and nothing else to a request that asks for none.
Response websocket_required(std::string_view request_id);

}  // namespace tandem::http
