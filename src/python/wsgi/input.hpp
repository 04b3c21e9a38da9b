// wsgi.input (PEP 3333 "Input and Error Streams"): the request's body as a file of bytes, taken from the front as it is
// read, whatever its length. A read waits for the bytes asked for or the end, without the GIL.
#pragma once

#include "python/exchange.hpp"
#include "python/executor.hpp"
#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python::wsgi {

// Makes the type. False with a Python exception set.
bool load_input_type(const Gil& gil);

// Empty with a Python exception set when there is no memory. `executor` outlives the interpreter.
Object make_input(const Gil& gil, ExchangePtr exchange, Executor& executor);

}  // namespace tandem::python::wsgi
