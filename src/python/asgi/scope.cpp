#include "python/asgi/scope.hpp"

#include <array>
#include <cstring>

#include "base/ascii.hpp"
#include "python/asgi/vocabulary.hpp"

namespace tandem::python {
namespace {

// Longer names are copied to the heap to be made lower case.
constexpr std::size_t kShortName = 64;

Object bytes_of(std::string_view text) {
  return Object::steal(PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
}
Object latin1(std::string_view text) {
  return Object::steal(PyUnicode_DecodeLatin1(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr));
}
// Percent-decoded text is UTF-8 as a rule and may be any bytes: what is no UTF-8 becomes U+FFFD.
Object utf8_text(std::string_view text) {
  return Object::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

bool set(PyObject* dict, PyObject* key, const Object& value) { return value && PyDict_SetItem(dict, key, value.get()) == 0; }

frames::FieldRef field_at(const Exchange& exchange, std::size_t index) {
  frames::FieldRef field;
  std::memcpy(&field, exchange.fields.data() + index * sizeof(field), sizeof(field));
  return field;
}

template <class Lower>
void lower_into(Lower begin, std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) begin[i] = ascii::lower(name[i]);
}

Object lower_name(std::string_view name) {
  if (name.size() > kShortName) {
    std::string lower(name.size(), '\0');
    lower_into(lower.begin(), name);
    return bytes_of(lower);
  }
  std::array<char, kShortName> lower;
  lower_into(lower.begin(), name);
  return bytes_of({lower.data(), name.size()});
}

// [(name, value), …] in the order received, names in lower case.
Object make_headers(const Exchange& exchange) {
  const std::size_t count = exchange.head.field_count;
  auto list = Object::steal(PyList_New(static_cast<Py_ssize_t>(count)));
  if (!list) return {};
  for (std::size_t i = 0; i < count; ++i) {
    const auto field = field_at(exchange, i);
    auto name = field.known > 0 && field.known < words().fields.size() ? Object::borrow(words().fields[field.known])
                                                                       : lower_name(exchange.text(field.name));
    auto value = bytes_of(exchange.text(field.value));
    PyObject* const pair = PyTuple_New(2);
    if (!name || !value || pair == nullptr) {
      Py_XDECREF(pair);
      return {};
    }
    PyTuple_SET_ITEM(pair, 0, name.release());
    PyTuple_SET_ITEM(pair, 1, value.release());
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), pair);
  }
  return list;
}

// (host, port); None for a Unix socket, which has neither.
Object make_address(std::string_view host, unsigned port) {
  if (host.empty() || host.substr(0, 4) == "unix") return Object::borrow(Py_None);
  const auto text = latin1(host);
  const auto number = Object::steal(PyLong_FromUnsignedLong(port));
  if (!text || !number) return {};
  return Object::steal(PyTuple_Pack(2, text.get(), number.get()));
}

Object make_method(const Exchange& exchange) {
  const auto known = exchange.head.method;
  if (known > 0 && known < words().methods.size()) return Object::borrow(words().methods[known]);
  return latin1(exchange.text(exchange.head.method_text));
}

// The tokens of all Sec-WebSocket-Protocol fields (RFC 6455 §11.3.4).
Object make_subprotocols(const Exchange& exchange) {
  auto list = Object::steal(PyList_New(0));
  bool complete = static_cast<bool>(list);
  for (std::size_t i = 0; complete && i < exchange.head.field_count; ++i) {
    const auto field = field_at(exchange, i);
    if (!ascii::equal_ignoring_case(exchange.text(field.name), "sec-websocket-protocol")) continue;
    ascii::for_each_element(exchange.text(field.value), [&](std::string_view token) {
      const auto text = latin1(token);
      complete = complete && text && PyList_Append(list.get(), text.get()) == 0;
    });
  }
  return complete ? std::move(list) : Object();
}

std::string_view websocket_scheme(std::string_view scheme) { return scheme == "https" || scheme == "wss" ? "wss" : "ws"; }

}  // namespace

bool ScopeMaker::open(const Gil&, PyObject* states) {
  // send() raises OSError once the client has gone, as 2.4 has it, but with that version Starlette would not listen for
  // http.disconnect any more, and a stream that waits for its next piece would never learn of it. uvicorn says 2.3 as well.
  for (std::size_t i = 0; i < program_.size(); ++i) {
    auto& application = applications_.emplace_back();
    application.state = Object::borrow(PyList_GetItem(states, static_cast<Py_ssize_t>(i)));
    for (auto* kept : {&application.http, &application.websocket}) {
      const bool http = kept == &application.http;
      kept->scope = Object::steal(Py_BuildValue("{OOO{ssss}}", words().type, http ? words().http : words().websocket,
                                                words().asgi, "version", "3.0", "spec_version", http ? "2.3" : "2.4"));
      if (!kept->scope) return false;
    }
  }
  extensions_http_ = Object::steal(Py_BuildValue("{s{}s{}}", "http.response.pathsend", "http.response.early_hint"));
  extensions_websocket_ = Object::steal(Py_BuildValue("{s{}}", "websocket.http.response"));
  return extensions_http_ && extensions_websocket_;
}

// Brings the template to what this request has; as a rule it has it already.
bool ScopeMaker::update(const Gil&, const Exchange& exchange, Template& kept) {
  PyObject* const scope = kept.scope.get();
  const auto& head = exchange.head;
  const auto server = exchange.text(head.server);
  if (kept.version == 0 || kept.server != server || kept.server_port != head.server_port) {
    if (!set(scope, words().server, make_address(server, head.server_port))) return false;
    kept.server = server;
    kept.server_port = head.server_port;
  }
  const auto mount = exchange.text(head.root_path);
  if (kept.version == 0 || kept.mount != mount) {
    const auto below = utf8_text(mount);
    if (!below ||
        !set(scope, words().root_path, Object::steal(PyUnicode_Concat(program_[head.endpoint].root_path, below.get()))))
      return false;
    kept.mount = mount;
  }
  auto scheme = exchange.text(head.scheme);
  if ((head.flags & frames::kWebSocket) != 0) scheme = websocket_scheme(scheme);
  if (kept.version == 0 || kept.scheme != scheme) {
    if (!set(scope, words().scheme, latin1(scheme))) return false;
    kept.scheme = scheme;
  }
  if (kept.version != head.version) {
    const char* const version = head.version == 10 ? "1.0" : head.version == 20 ? "2" : "1.1";
    if (!set(scope, words().http_version, Object::steal(PyUnicode_InternFromString(version)))) return false;
    kept.version = head.version;
  }
  return true;
}

// Current ASGI: `path` is the whole path, `root_path` its beginning. Starlette before 0.33 wants the rest alone.
Object ScopeMaker::path_of(const Gil&, const Exchange& exchange) const {
  const Endpoint& endpoint = program_[exchange.head.endpoint];
  auto path = exchange.text(exchange.head.path);
  if (endpoint.path_without_root) {
    const auto mount = exchange.text(exchange.head.root_path);
    if (path.substr(0, mount.size()) == mount) path.remove_prefix(mount.size());
    return utf8_text(path.empty() ? "/" : path);
  }
  auto text = utf8_text(path);
  if (!text || PyUnicode_GET_LENGTH(endpoint.root_path) == 0) return text;
  return Object::steal(PyUnicode_Concat(endpoint.root_path, text.get()));
}

Object ScopeMaker::copy(const Gil& gil, const Exchange& exchange, Application& application, Template& kept) {
  if (!update(gil, exchange, kept)) return {};
  auto scope = Object::steal(PyDict_Copy(kept.scope.get()));
  if (!scope || !set(scope.get(), words().path, path_of(gil, exchange)) ||
      !set(scope.get(), words().raw_path, bytes_of(exchange.text(exchange.head.raw_path))) ||
      !set(scope.get(), words().query_string, bytes_of(exchange.text(exchange.head.query))) ||
      !set(scope.get(), words().headers, make_headers(exchange)) ||
      !set(scope.get(), words().client, make_address(exchange.text(exchange.head.client), exchange.head.client_port)))
    return {};
  if (application.state.get() != Py_None &&
      !set(scope.get(), words().state, Object::steal(PyDict_Copy(application.state.get()))))
    return {};
  return scope;
}

Object ScopeMaker::make_http(const Gil& gil, const Exchange& exchange) {
  auto& application = applications_[exchange.head.endpoint];
  auto scope = copy(gil, exchange, application, application.http);
  if (!scope || !set(scope.get(), words().method, make_method(exchange)) ||
      !set(scope.get(), words().extensions, Object::steal(PyDict_Copy(extensions_http_.get()))))
    return {};
  return scope;
}

Object ScopeMaker::make_websocket(const Gil& gil, const Exchange& exchange) {
  auto& application = applications_[exchange.head.endpoint];
  auto scope = copy(gil, exchange, application, application.websocket);
  if (!scope || !set(scope.get(), words().subprotocols, make_subprotocols(exchange)) ||
      !set(scope.get(), words().extensions, Object::steal(PyDict_Copy(extensions_websocket_.get()))))
    return {};
  return scope;
}

}  // namespace tandem::python
