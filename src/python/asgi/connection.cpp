#include "python/asgi/connection.hpp"

#include <charconv>
#include <limits>

#include "base/ascii.hpp"
#include "python/asgi/vocabulary.hpp"
#include "python/names.hpp"

namespace tandem::python {
namespace {

PyObject* call_receive(PyObject* self, PyObject*) {
  const CalledByPython gil;
  return connection_of(self).receive(gil).release();
}

PyObject* call_send(PyObject* self, PyObject* message) {
  const CalledByPython gil;
  // As a rule a dict; the specification knows no other.
  if (!PyDict_Check(message))
    return raise(PyExc_TypeError, "a message is a dict, not %s", Py_TYPE(message)->tp_name).release();
  PyObject* const type = PyDict_GetItemWithError(message, words().type);
  if (type == nullptr || !PyUnicode_Check(type)) {
    if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_TypeError, "a message has a \"type\" of type str");
    return nullptr;
  }
  return connection_of(self).send(gil, type, message).release();
}

PyMethodDef receive_method = {"receive", call_receive, METH_NOARGS, nullptr};
PyMethodDef send_method = {"send", call_send, METH_O, nullptr};

// What PyIter_Send() can drive: the coroutine, or the iterator of another awaitable.
Object as_coroutine(Object returned) {
  if (!returned || PyCoro_CheckExact(returned.get())) return returned;
  const auto* const methods = Py_TYPE(returned.get())->tp_as_async;
  if (methods != nullptr && methods->am_await != nullptr) return Object::steal(methods->am_await(returned.get()));
  return raise(PyExc_TypeError, "an ASGI application returns a coroutine, this one returned %s",
               Py_TYPE(returned.get())->tp_name);
}

bool read_length(std::string_view value, std::optional<std::uint64_t>& length) {
  value = ascii::trim(value);
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || parsed.ec != std::errc{} || parsed.ptr != value.data() + value.size() ||
      number == std::numeric_limits<std::uint64_t>::max()) {
    PyErr_SetString(PyExc_ValueError, "the Content-Length is no number");
    return false;
  }
  length = number;
  return true;
}

bool read_header(PyObject* pair, std::string& lines, std::optional<std::uint64_t>& length) {
  const auto fast = Object::steal(PySequence_Fast(pair, "a header is a pair of bytes"));
  if (!fast) return false;
  PyObject* const* const parts = PySequence_Fast_ITEMS(fast.get());
  if (PySequence_Fast_GET_SIZE(fast.get()) != 2 || !PyBytes_Check(parts[0]) || !PyBytes_Check(parts[1])) {
    PyErr_SetString(PyExc_TypeError, "a header is a pair of bytes");
    return false;
  }
  const std::string_view name(PyBytes_AS_STRING(parts[0]), static_cast<std::size_t>(PyBytes_GET_SIZE(parts[0])));
  const std::string_view value(PyBytes_AS_STRING(parts[1]), static_cast<std::size_t>(PyBytes_GET_SIZE(parts[1])));
  if (ascii::equal_ignoring_case(name, "content-length")) return read_length(value, length);
  const auto trimmed = ascii::trim(value);
  if (!ascii::is_token(name)) {
    PyErr_Format(PyExc_ValueError, "%R is no name of a header", parts[0]);
    return false;
  }
  if (!http::is_field_value(trimmed)) {
    PyErr_Format(PyExc_ValueError, "%R is no value of a header", parts[1]);
    return false;
  }
  if (ascii::equal_ignoring_case(name, "transfer-encoding")) return true;  // the front's own
  lines.append(name).append(": ").append(trimmed).append("\r\n");
  return true;
}

void connection_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  connection_of(self).~Connection();
  PyObject_Free(self);
  Py_DECREF(type);
}

}  // namespace

PyTypeObject* make_connection_type(const Gil&, const char* name, std::size_t size, PyMethodDef* methods) {
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(connection_dealloc)}, {Py_tp_methods, methods}, {0, nullptr}};
  PyType_Spec spec = {name, static_cast<int>(size), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

void Connection::start(const Gil& gil, Object scope) {
  Object coroutine;
  if (scope) {
    // The task copies this context, so that its log records name the request.
    Py_XDECREF(PyContextVar_Set(names().current_request, self_));
    const auto receive = Object::steal(PyCFunction_New(&receive_method, self_));
    const auto send = Object::steal(PyCFunction_New(&send_method, self_));
    if (receive && send) {
      PyObject* arguments[] = {nullptr, scope.get(), receive.get(), send.get()};
      coroutine = as_coroutine(Object::steal(PyObject_Vectorcall(executor().endpoint_of(exchange()).callable, arguments + 1,
                                                                 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr)));
    }
    scope = Object();
  }
  if (coroutine && executor().spawn(gil, *this, std::move(coroutine))) return;
  const auto last = on_done(gil, Object());
  executor().retire(gil, *this);
}

Object Connection::wait(const Gil& gil, Want want) {
  return (want == Want::message ? readers_ : writers_).add(gil, executor().loop());
}

void Connection::discard() {
  const CalledByPython gil;
  // Tasks of the application's own may wait for more; there will be none.
  readers_.wake(gil);
  writers_.wake(gil);
  Py_DECREF(self_);
}

void Connection::fail(const Gil& gil, const Failure& failure) {
  failed_ = true;
  executor().append_failure(gil, exchange(), failure);
  executor().end(gil, exchange());
}

void Connection::fail_quietly(const Gil& gil) {
  Failure failure;
  failure.status = 503;
  failure.code = "python.cancelled";
  failure.detail = "the request was given up";
  fail(gil, failure);
}

void Connection::take_error(const Gil& gil, bool tell) {
  const bool was_gone = gone();
  if (was_gone && ends_with_client(gil)) {
    if (tell) fail_quietly(gil);
    return;
  }
  const auto failure = take_failure(gil, exchange().cancelled);
  // Of a request that nobody waits for the front says nothing.
  if (!tell || was_gone) log_error("the application raised an exception\n" + failure.traceback);
  if (tell) fail(gil, failure);
}

// Takes the exception that is set if it is what an application raises when its client has gone, or it was cancelled.
bool Connection::ends_with_client(const Gil& gil) {
  auto exception = take_exception(gil);
  const auto answer = Object::steal(PyObject_CallOneArg(words().is_gone, exception.get()));
  if (answer.get() == Py_True) return true;
  PyErr_Clear();
  restore_exception(gil, std::move(exception));
  return false;
}

void Connection::log_error(std::string_view text) {
  executor().control().log(4, "tandem", text, exchange().text(exchange().head.request_id));
}

std::string_view connection_id_of(PyObject* object) {
  if (object == nullptr || Py_TYPE(object)->tp_dealloc != connection_dealloc) return {};
  const auto& exchange = connection_of(object).exchange();
  return exchange.text(exchange.head.request_id);
}

bool is_type(PyObject* type, PyObject* word) { return type == word || PyUnicode_Compare(type, word) == 0; }

Object raise_gone() {
  PyErr_SetString(words().gone_type, "the client has gone: nothing can be sent to it");
  return {};
}

PyObject* member(PyObject* message, PyObject* key) {
  PyObject* const found = PyDict_GetItemWithError(message, key);
  return found == Py_None ? nullptr : found;
}

bool read_status(PyObject* message, int& status) {
  PyObject* const found = member(message, words().status);
  const long number = found != nullptr && PyLong_Check(found) ? PyLong_AsLong(found) : -1;
  if (number < 200 || number > 999) {
    PyErr_Clear();
    PyErr_SetString(PyExc_ValueError, "the status of a response is a number from 200 to 999");
    return false;
  }
  status = static_cast<int>(number);
  return true;
}

bool read_headers(PyObject* message, std::string& lines, std::optional<std::uint64_t>& length) {
  PyObject* const headers = member(message, words().headers);
  if (headers == nullptr) return PyErr_Occurred() == nullptr;
  const auto list = Object::steal(PySequence_Fast(headers, "the headers of a response are pairs of bytes"));
  if (!list) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.get()); ++i)
    if (!read_header(PySequence_Fast_GET_ITEM(list.get(), i), lines, length)) return false;
  return true;
}

Object as_bytes(PyObject* object, const char* what) {
  if (PyBytes_CheckExact(object)) return Object::borrow(object);
  if (PyObject_CheckBuffer(object)) return Object::steal(PyBytes_FromObject(object));
  return raise(PyExc_TypeError, "%s is bytes, not %s", what, Py_TYPE(object)->tp_name);
}

}  // namespace tandem::python
