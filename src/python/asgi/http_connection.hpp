// Serves one HTTP request with an ASGI application.
// Source: ASGI 3.0, HTTP & WebSocket message format 2.4, with the extensions http.response.pathsend and
// http.response.early_hint.
#pragma once

#include "python/async_executor.hpp"
#include "python/exchange.hpp"
#include "python/gil.hpp"

namespace tandem::python {

// Calls the application; the answer may be there when this returns.
void start_http(const Gil& gil, AsyncExecutor& executor, const ExchangePtr& exchange);

bool add_http_connection_type(const Gil& gil);

}  // namespace tandem::python
