#include "python/request_type.hpp"

#include <cstddef>
#include <new>
#include <string>

#include "base/ascii.hpp"
#include "http/headers.hpp"
#include "http/target.hpp"
#include "python/names.hpp"

namespace tandem::python {
namespace {

struct RequestObject {
  PyObject ob_base;
  ExchangePtr exchange;
  Executor* executor;
  // Made when first asked for.
  PyObject *path, *path_params, *query_params, *headers, *cookies, *body;
};

struct BodyObject {
  PyObject ob_base;
  ExchangePtr exchange;
  Executor* executor;
};

PyTypeObject* request_type = nullptr;
PyTypeObject* body_type = nullptr;

RequestObject* as_request(PyObject* self) { return reinterpret_cast<RequestObject*>(self); }
BodyObject* as_body(PyObject* self) { return reinterpret_cast<BodyObject*>(self); }

// Percent-decoded text is UTF-8 as a rule and may be any bytes: what is no UTF-8 becomes U+FFFD.
PyObject* decode_utf8(std::string_view text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}
PyObject* decode_latin1(std::string_view text) {
  return PyUnicode_DecodeLatin1(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr);
}

template <class T>
T part_at(std::string_view parts, std::size_t index) {
  T part;
  std::memcpy(&part, parts.data() + index * sizeof(T), sizeof(T));
  return part;
}

// Appends the pair, taking both references.
bool append_pair(PyObject* list, PyObject* name, PyObject* value) {
  const auto first = Object::steal(name);
  const auto second = Object::steal(value);
  if (!first || !second) return false;
  const auto pair = Object::steal(PyTuple_Pack(2, first.get(), second.get()));
  return pair && PyList_Append(list, pair.get()) == 0;
}

// Gives the attribute kept in `slot`, made by `make` the first time.
template <class Make>
PyObject* lazy(PyObject*& slot, Make make) {
  if (slot == nullptr) slot = make();
  return Py_XNewRef(slot);
}

PyObject* get_method(PyObject* self, void*) {
  const auto& exchange = *as_request(self)->exchange;
  if (exchange.head.method > 0 && exchange.head.method < std::size(names().methods))
    return Py_NewRef(names().methods[exchange.head.method]);
  return decode_latin1(exchange.text(exchange.head.method_text));
}

PyObject* get_path(PyObject* self, void*) {
  auto* request = as_request(self);
  return lazy(request->path, [&] { return decode_utf8(request->exchange->text(request->exchange->head.path)); });
}

PyObject* get_path_params(PyObject* self, void*) {
  auto* request = as_request(self);
  return lazy(request->path_params, [&]() -> PyObject* {
    const auto& exchange = *request->exchange;
    auto params = Object::steal(PyDict_New());
    if (!params) return nullptr;
    for (std::size_t i = 0; i < exchange.head.param_count; ++i) {
      const auto param = part_at<frames::Param>(exchange.params, i);
      const auto name = Object::steal(decode_utf8(exchange.text(param.name)));
      const auto value = Object::steal(decode_utf8(exchange.text(param.value)));
      if (!name || !value || PyDict_SetItem(params.get(), name.get(), value.get()) != 0) return nullptr;
    }
    return params.release();
  });
}

PyObject* decode_query_part(std::string_view text) { return decode_utf8(http::decode_query_part(text)); }

PyObject* get_query_params(PyObject* self, void*) {
  auto* request = as_request(self);
  return lazy(request->query_params, [&]() -> PyObject* {
    const auto pairs = Object::steal(PyList_New(0));
    if (!pairs) return nullptr;
    auto rest = request->exchange->text(request->exchange->head.query);
    while (!rest.empty()) {
      const auto part = rest.substr(0, rest.find('&'));
      rest.remove_prefix(std::min(rest.size(), part.size() + 1));
      if (part.empty()) continue;
      const auto equals = part.find('=');
      const auto value = equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
      if (!append_pair(pairs.get(), decode_query_part(part.substr(0, equals)), decode_query_part(value))) return nullptr;
    }
    return PyObject_CallOneArg(names().query_params_type, pairs.get());
  });
}

PyObject* get_headers(PyObject* self, void*) {
  auto* request = as_request(self);
  return lazy(request->headers, [&]() -> PyObject* {
    const auto& exchange = *request->exchange;
    const auto pairs = Object::steal(PyList_New(0));
    if (!pairs) return nullptr;
    for (std::size_t i = 0; i < exchange.head.field_count; ++i) {
      const auto field = part_at<frames::FieldRef>(exchange.fields, i);
      if (!append_pair(pairs.get(), decode_latin1(exchange.text(field.name)), decode_latin1(exchange.text(field.value))))
        return nullptr;
    }
    return PyObject_CallOneArg(names().headers_type, pairs.get());
  });
}

PyObject* get_cookies(PyObject* self, void*) {
  auto* request = as_request(self);
  return lazy(request->cookies, [&]() -> PyObject* {
    const auto& exchange = *request->exchange;
    const auto fields = Object::steal(PyList_New(0));
    if (!fields) return nullptr;
    for (std::size_t i = 0; i < exchange.head.field_count; ++i) {
      const auto field = part_at<frames::FieldRef>(exchange.fields, i);
      if (field.known != static_cast<std::uint32_t>(http::Field::cookie)) continue;
      const auto value = Object::steal(decode_latin1(exchange.text(field.value)));
      if (!value || PyList_Append(fields.get(), value.get()) != 0) return nullptr;
    }
    return PyObject_CallOneArg(names().parse_cookies, fields.get());
  });
}

PyObject* get_body(PyObject* self, void*) {
  auto* request = as_request(self);
  return lazy(request->body, [&]() -> PyObject* {
    const auto& exchange = *request->exchange;
    if (exchange.streamed) {
      PyErr_SetString(PyExc_RuntimeError, "the body of a streamed request is read with stream()");
      return nullptr;
    }
    if (exchange.pieces.empty())
      return PyBytes_FromStringAndSize(exchange.first_body.data(), static_cast<Py_ssize_t>(exchange.first_body.size()));
    std::string whole(exchange.first_body);
    for (const auto& piece : exchange.pieces) whole.append(piece);
    return PyBytes_FromStringAndSize(whole.data(), static_cast<Py_ssize_t>(whole.size()));
  });
}

PyObject* get_text(PyObject* self, void*) {
  const auto body = Object::steal(get_body(self, nullptr));
  if (!body) return nullptr;
  return decode_utf8({PyBytes_AS_STRING(body.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(body.get()))});
}

PyObject* get_client(PyObject* self, void*) {
  const auto& exchange = *as_request(self)->exchange;
  const auto address = exchange.text(exchange.head.client);
  // A Unix socket's peer has neither address nor port.
  if (address.empty() || address.substr(0, 4) == "unix") Py_RETURN_NONE;
  return Py_BuildValue("(Ni)", decode_latin1(address), static_cast<int>(exchange.head.client_port));
}

PyObject* get_id(PyObject* self, void*) {
  const auto& exchange = *as_request(self)->exchange;
  return decode_utf8(exchange.text(exchange.head.request_id));
}

PyObject* get_route(PyObject* self, void*) {
  const auto& exchange = *as_request(self)->exchange;
  return decode_utf8(exchange.text(exchange.head.route));
}

PyObject* get_arm(PyObject* self, void*) {
  const auto& exchange = *as_request(self)->exchange;
  if (exchange.head.arm.length == 0) Py_RETURN_NONE;
  return decode_utf8(exchange.text(exchange.head.arm));
}

PyObject* get_shadow(PyObject* self, void*) {
  return PyBool_FromLong((as_request(self)->exchange->head.flags & frames::kShadow) != 0);
}

PyObject* call_json(PyObject* self, PyObject*) {
  const auto body = Object::steal(get_body(self, nullptr));
  if (!body) return nullptr;
  return PyObject_CallOneArg(names().parse_json, body.get());
}

PyObject* call_stream(PyObject* self, PyObject*) {
  auto* body = PyObject_New(BodyObject, body_type);
  if (body == nullptr) return nullptr;
  new (&body->exchange) ExchangePtr(as_request(self)->exchange);
  body->executor = as_request(self)->executor;
  return reinterpret_cast<PyObject*>(body);
}

PyObject* request_repr(PyObject* self) {
  const auto method = Object::steal(get_method(self, nullptr));
  const auto path = Object::steal(get_path(self, nullptr));
  if (!method || !path) return nullptr;
  return PyUnicode_FromFormat("<Request %U %U>", method.get(), path.get());
}

void request_dealloc(PyObject* self) {
  auto* request = as_request(self);
  PyTypeObject* type = Py_TYPE(self);
  Py_XDECREF(request->path);
  Py_XDECREF(request->path_params);
  Py_XDECREF(request->query_params);
  Py_XDECREF(request->headers);
  Py_XDECREF(request->cookies);
  Py_XDECREF(request->body);
  request->exchange.~ExchangePtr();
  PyObject_Free(self);
  Py_DECREF(type);
}

void body_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  as_body(self)->exchange.~ExchangePtr();
  PyObject_Free(self);
  Py_DECREF(type);
}

// The piece that has come: bytes, b"" at the end, None when there is none yet.
PyObject* body_take(PyObject* self, PyObject*) {
  auto* body = as_body(self);
  auto& exchange = *body->exchange;
  if (exchange.over) {
    PyErr_SetString(PyExc_RuntimeError, "the request is over");
    return nullptr;
  }
  const auto piece = body->executor->inbox().take_piece(exchange);
  if (!piece) Py_RETURN_NONE;
  body->executor->grant(exchange, piece->size());
  return PyBytes_FromStringAndSize(piece->data(), static_cast<Py_ssize_t>(piece->size()));
}

PyObject* body_wait(PyObject* self, PyObject*) {
  const CalledByPython gil;
  return as_body(self)->executor->make_waiter(gil, *as_body(self)->exchange);
}

PyObject* body_next(PyObject* self) {
  const CalledByPython gil;
  for (;;) {
    auto piece = Object::steal(body_take(self, nullptr));
    if (!piece) return nullptr;
    if (piece.get() == Py_None) {
      if (!as_body(self)->executor->wait_for_piece(gil, *as_body(self)->exchange)) return nullptr;
      continue;
    }
    return PyBytes_GET_SIZE(piece.get()) == 0 ? nullptr : piece.release();  // nullptr alone ends the iteration
  }
}

PyObject* body_aiter(PyObject* self) { return PyObject_CallOneArg(names().async_pieces, self); }

PyGetSetDef request_attributes[] = {
    {"method", get_method, nullptr, nullptr, nullptr},
    {"path", get_path, nullptr, nullptr, nullptr},
    {"path_params", get_path_params, nullptr, nullptr, nullptr},
    {"query_params", get_query_params, nullptr, nullptr, nullptr},
    {"headers", get_headers, nullptr, nullptr, nullptr},
    {"cookies", get_cookies, nullptr, nullptr, nullptr},
    {"body", get_body, nullptr, nullptr, nullptr},
    {"text", get_text, nullptr, nullptr, nullptr},
    {"client", get_client, nullptr, nullptr, nullptr},
    {"id", get_id, nullptr, nullptr, nullptr},
    {"route", get_route, nullptr, nullptr, nullptr},
    {"arm", get_arm, nullptr, nullptr, nullptr},
    {"shadow", get_shadow, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMethodDef request_methods[] = {
    {"json", call_json, METH_NOARGS, nullptr},
    {"stream", call_stream, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyMethodDef body_methods[] = {
    {"take", body_take, METH_NOARGS, nullptr},
    {"wait", body_wait, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

template <class Function>
void* slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace

bool add_request_type(const Gil&, PyObject* module) {
  PyType_Slot request_slots[] = {
      {Py_tp_dealloc, slot(request_dealloc)},
      {Py_tp_repr, slot(request_repr)},
      {Py_tp_getset, request_attributes},
      {Py_tp_methods, request_methods},
      {0, nullptr},
  };
  PyType_Slot body_slots[] = {
      {Py_tp_dealloc, slot(body_dealloc)}, {Py_tp_iter, slot(PyObject_SelfIter)}, {Py_tp_iternext, slot(body_next)},
      {Py_am_aiter, slot(body_aiter)},     {Py_tp_methods, body_methods},         {0, nullptr},
  };
  constexpr unsigned kFlags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE;
  PyType_Spec request_spec = {"tandem.Request", sizeof(RequestObject), 0, kFlags, request_slots};
  PyType_Spec body_spec = {"tandem._BodyStream", sizeof(BodyObject), 0, kFlags, body_slots};
  request_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&request_spec));
  body_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&body_spec));
  return request_type != nullptr && body_type != nullptr &&
         PyModule_AddObjectRef(module, "Request", reinterpret_cast<PyObject*>(request_type)) == 0;
}

Object make_request(const Gil&, ExchangePtr exchange, Executor& executor) {
  auto* request = PyObject_New(RequestObject, request_type);
  if (request == nullptr) return {};
  new (&request->exchange) ExchangePtr(std::move(exchange));
  request->executor = &executor;
  request->path = request->path_params = request->query_params = request->headers = request->cookies = request->body =
      nullptr;
  return Object::steal(reinterpret_cast<PyObject*>(request));
}

const ExchangePtr& exchange_of(PyObject* request) { return as_request(request)->exchange; }

std::string_view request_id_of(PyObject* request) {
  if (request == nullptr || Py_TYPE(request) != request_type) return {};
  const auto& exchange = *as_request(request)->exchange;
  return exchange.text(exchange.head.request_id);
}

}  // namespace tandem::python
