// Serves one request with an `async def` function, or with a function that returns an asynchronous generator.
#pragma once

#include "python/async_executor.hpp"
#include "python/exchange.hpp"
#include "python/gil.hpp"

namespace tandem::python {

// Calls the function; the answer may be there when this returns.
void start_call(const Gil& gil, AsyncExecutor& executor, const ExchangePtr& exchange);

// Makes the type that runtime.send_stream() writes to. False with a Python exception set.
bool add_stream_type(const Gil& gil);

}  // namespace tandem::python
