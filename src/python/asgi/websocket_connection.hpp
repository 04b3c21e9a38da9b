// Serves one WebSocket with an ASGI application.
// Source: ASGI 3.0, HTTP & WebSocket message format 2.4, with the extension websocket.http.response.
#pragma once

#include "python/async_executor.hpp"
#include "python/exchange.hpp"
#include "python/gil.hpp"

namespace tandem::python {

// Calls the application.
void start_websocket(const Gil& gil, AsyncExecutor& executor, const ExchangePtr& exchange);

bool add_websocket_connection_type(const Gil& gil);

}  // namespace tandem::python
