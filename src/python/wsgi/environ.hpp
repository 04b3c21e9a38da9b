// The environ of a WSGI request (PEP 3333 "environ Variables", RFC 3875 §4.1): what is the same for all is copied, the rest
// is added with names that were made beforehand. Besides what PEP 3333 names it has REMOTE_ADDR, REMOTE_PORT, RAW_URI and
// REQUEST_URI (the target as received), wsgi.file_wrapper and wsgi.input_terminated.
// Texts are "native strings": each char is a byte of what the client sent.
#pragma once

#include "python/exchange.hpp"
#include "python/executor.hpp"
#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python::wsgi {

// Before the first make_environ(). `runtime` is the module _tandem_runtime. False with a Python exception set.
bool load_environ(const Gil& gil, PyObject* runtime, bool multithread, bool multiprocess);

// Empty with a Python exception set when there is no memory.
Object make_environ(const Gil& gil, const Exchange& exchange, const Endpoint& endpoint, PyObject* input);

}  // namespace tandem::python::wsgi
