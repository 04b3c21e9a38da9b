// tandem.Request as endpoints in the server see it: a hand-written type whose attributes are made when they are asked for.
#pragma once

#include "python/exchange.hpp"
#include "python/executor.hpp"
#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python {

// Makes the types and adds "Request" to the module. False with a Python exception set.
bool add_request_type(const Gil& gil, PyObject* module);

// nullptr with a Python exception set when there is no memory. `executor` outlives the interpreter.
Object make_request(const Gil& gil, ExchangePtr exchange, Executor& executor);

// The exchange behind a request made here.
const ExchangePtr& exchange_of(PyObject* request);

// The request id of `request`, or "" when it is no request.
std::string_view request_id_of(PyObject* request);

}  // namespace tandem::python
