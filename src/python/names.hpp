// Python objects that are looked up once at start and used for every request: interned attribute names, the classes of the
// `tandem` package, the functions of runtime.py. They live until the interpreter is finalized and are never released.
#pragma once

#include "python/gil.hpp"

namespace tandem::python {

struct Names {
  // Attribute and method names.
  PyObject *status, *headers, *content_type, *body, *items, *close, *aiter, *cancel, *call_soon, *create_future, *done,
      *set_result, *stop, *throw_, *value;
  // python/tandem/__init__.py
  PyObject *response_type, *cancelled_type, *headers_type, *query_params_type, *parse_cookies, *parse_json;
  // runtime.py
  PyObject *dump_json, *describe_error, *async_pieces, *send_stream;
  // The request that a coroutine serves.
  PyObject* current_request;
  // Often-seen strings.
  PyObject *empty_string, *methods[16];
};

// Thread: filled once by load_names() before any executor runs, then read-only.
const Names& names();

// False, with a Python exception set, when something is missing. `tandem` and `runtime` are the imported modules.
bool load_names(const Gil& gil, PyObject* tandem, PyObject* runtime);

}  // namespace tandem::python
