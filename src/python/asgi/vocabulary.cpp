#include "python/asgi/vocabulary.hpp"

#include <string>
#include <string_view>

namespace tandem::python {
namespace {

Vocabulary loaded;

constexpr std::array<std::string_view, std::tuple_size_v<decltype(Vocabulary::fields)>> kFields = {"",
                                                                                                   "host",
                                                                                                   "connection",
                                                                                                   "content-length",
                                                                                                   "content-type",
                                                                                                   "transfer-encoding",
                                                                                                   "expect",
                                                                                                   "cookie",
                                                                                                   "user-agent",
                                                                                                   "accept",
                                                                                                   "authorization",
                                                                                                   "x-request-id",
                                                                                                   "traceparent",
                                                                                                   "tandem-arm",
                                                                                                   "upgrade",
                                                                                                   "forwarded",
                                                                                                   "x-forwarded-for",
                                                                                                   "te",
                                                                                                   "trailer",
                                                                                                   "keep-alive"};

// A message {"type": type}.
PyObject* message_of(PyObject* type) {
  PyObject* const message = PyDict_New();
  if (message != nullptr && PyDict_SetItem(message, loaded.type, type) == 0) return message;
  Py_XDECREF(message);
  return nullptr;
}

}  // namespace

const Vocabulary& words() { return loaded; }

bool load_vocabulary(const Gil&, PyObject* module) {
  const struct {
    PyObject*& place;
    const char* text;
  } texts[] = {
      {loaded.type, "type"},
      {loaded.asgi, "asgi"},
      {loaded.http_version, "http_version"},
      {loaded.method, "method"},
      {loaded.scheme, "scheme"},
      {loaded.path, "path"},
      {loaded.raw_path, "raw_path"},
      {loaded.query_string, "query_string"},
      {loaded.root_path, "root_path"},
      {loaded.headers, "headers"},
      {loaded.client, "client"},
      {loaded.server, "server"},
      {loaded.state, "state"},
      {loaded.extensions, "extensions"},
      {loaded.subprotocols, "subprotocols"},
      {loaded.body, "body"},
      {loaded.more_body, "more_body"},
      {loaded.status, "status"},
      {loaded.links, "links"},
      {loaded.text, "text"},
      {loaded.bytes, "bytes"},
      {loaded.code, "code"},
      {loaded.reason, "reason"},
      {loaded.subprotocol, "subprotocol"},
      {loaded.http, "http"},
      {loaded.websocket, "websocket"},
      {loaded.http_request, "http.request"},
      {loaded.http_disconnect, "http.disconnect"},
      {loaded.response_start, "http.response.start"},
      {loaded.response_body, "http.response.body"},
      {loaded.pathsend, "http.response.pathsend"},
      {loaded.early_hint, "http.response.early_hint"},
      {loaded.websocket_connect, "websocket.connect"},
      {loaded.websocket_receive, "websocket.receive"},
      {loaded.websocket_disconnect, "websocket.disconnect"},
      {loaded.websocket_accept, "websocket.accept"},
      {loaded.websocket_send, "websocket.send"},
      {loaded.websocket_close, "websocket.close"},
      {loaded.websocket_response_start, "websocket.http.response.start"},
      {loaded.websocket_response_body, "websocket.http.response.body"},
  };
  for (const auto& [place, text] : texts) {
    place = PyUnicode_InternFromString(text);
    if (place == nullptr) return false;
  }
  loaded.send_file = PyObject_GetAttrString(module, "send_file");
  loaded.gone_type = PyObject_GetAttrString(module, "ClientDisconnected");
  loaded.is_gone = PyObject_GetAttrString(module, "is_disconnect");
  loaded.no_bytes = PyBytes_FromStringAndSize(nullptr, 0);
  loaded.empty_request = message_of(loaded.http_request);
  loaded.disconnect = message_of(loaded.http_disconnect);
  if (loaded.send_file == nullptr || loaded.gone_type == nullptr || loaded.is_gone == nullptr ||
      loaded.no_bytes == nullptr || loaded.empty_request == nullptr || loaded.disconnect == nullptr ||
      PyDict_SetItem(loaded.empty_request, loaded.body, loaded.no_bytes) != 0 ||
      PyDict_SetItem(loaded.empty_request, loaded.more_body, Py_False) != 0)
    return false;
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    loaded.fields[i] = PyBytes_FromStringAndSize(kFields[i].data(), static_cast<Py_ssize_t>(kFields[i].size()));
    if (loaded.fields[i] == nullptr) return false;
  }
  for (std::size_t i = 0; i < loaded.methods.size(); ++i) {
    const std::string name(http::format_method(static_cast<http::Method>(i)));
    loaded.methods[i] = PyUnicode_InternFromString(name.c_str());
    if (loaded.methods[i] == nullptr) return false;
  }
  return true;
}

}  // namespace tandem::python
