// The words of ASGI as Python objects, made once: keys and values of scopes and messages, interned, and the names of header
// fields that the server knows. They live until the interpreter is finalized and are never released.
// Source: ASGI 3.0, HTTP & WebSocket message format 2.4.
#pragma once

#include <array>
#include <cstddef>

#include "http/headers.hpp"
#include "http/method.hpp"
#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python {

struct Vocabulary {
  // Keys.
  PyObject *type, *asgi, *http_version, *method, *scheme, *path, *raw_path, *query_string, *root_path, *headers, *client,
      *server, *state, *extensions, *subprotocols, *body, *more_body, *status, *links, *text, *bytes, *code, *reason,
      *subprotocol;
  // Types of messages and scopes.
  PyObject *http, *websocket, *http_request, *http_disconnect, *response_start, *response_body, *pathsend, *early_hint,
      *websocket_connect, *websocket_receive, *websocket_disconnect, *websocket_accept, *websocket_send, *websocket_close,
      *websocket_response_start, *websocket_response_body;
  // asgi.py
  PyObject *send_file, *gone_type, *is_gone;
  // Messages that differ in nothing from one request to the next; copied, since applications may change them.
  PyObject *empty_request, *disconnect;
  PyObject* no_bytes;
  std::array<PyObject*, static_cast<std::size_t>(http::Field::keep_alive) + 1> fields;  // by number
  std::array<PyObject*, static_cast<std::size_t>(http::Method::unsubscribe) + 1> methods;
};

// Thread: filled once by load_vocabulary() before any executor runs, then read-only.
const Vocabulary& words();

// False with a Python exception set. `module` is asgi.py.
bool load_vocabulary(const Gil& gil, PyObject* module);

}  // namespace tandem::python
