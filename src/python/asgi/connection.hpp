// What an HTTP request and a WebSocket have in common as ASGI sees them: a connection that the application is called for,
// with receive() and send(). It is a Python object itself, kept by the executor while the application's coroutine runs and
// by the application as long as it keeps one of the two. Thread: the asynchronous executor's, with the GIL.
#pragma once

#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "python/asgi/awaitable.hpp"
#include "python/async_executor.hpp"
#include "python/async_request.hpp"
#include "python/python_errors.hpp"

namespace tandem::python {

class Connection : public AsyncRequest, public Source {
 public:
  Connection(AsyncExecutor& executor, ExchangePtr exchange, PyObject* self)
      : AsyncRequest(executor, std::move(exchange)), self_(self) {}

  // Calls the application; it may be over when this returns. `scope` is empty when a Python exception is set.
  void start(const Gil& gil, Object scope);

  // What the application calls. Empty with a Python exception set.
  Object receive(const Gil& gil) { return make_awaitable(gil, self_, *this, Want::message); }
  virtual Object send(const Gil& gil, PyObject* type, PyObject* message) = 0;

  // Of Source.
  Object wait(const Gil& gil, Want want) override;
  // Of AsyncRequest.
  Object make_waiter(const Gil& gil) override { return wait(gil, Want::message); }
  void discard() override;

 protected:
  PyObject* self() const { return self_; }
  // Nobody is there any more to read what the application sends.
  virtual bool gone() const { return failed_ || exchange().cancelled; }
  std::string& out(const Gil& gil) { return executor().out(gil, exchange()); }
  // Ends the request with an error frame.
  void fail(const Gil& gil, const Failure& failure);
  void fail_quietly(const Gil& gil);
  // Takes the exception that is set, of a coroutine that has ended: says in the log, or to the front if `tell` is true, what
  // it was, unless the end of the connection explains it.
  void take_error(const Gil& gil, bool tell);
  void log_error(std::string_view text);

  Waiters readers_, writers_;

 private:
  bool ends_with_client(const Gil& gil);

  PyObject* const self_;
  bool failed_ = false;
};

// A connection as Python holds it.
struct ConnectionObject {
  PyObject ob_base;
  Connection* connection;
};
template <class Kind>
struct ConnectionObjectOf : ConnectionObject {
  alignas(Kind) std::byte storage[sizeof(Kind)];
};

// nullptr with a Python exception set when there is no memory. The executor owns the one reference.
template <class Kind>
Kind* make_connection(PyTypeObject* type, AsyncExecutor& executor, const ExchangePtr& exchange) {
  auto* object = PyObject_New(ConnectionObjectOf<Kind>, type);
  if (object == nullptr) return nullptr;
  auto* connection = new (object->storage) Kind(executor, exchange, reinterpret_cast<PyObject*>(object));
  object->connection = connection;
  return connection;
}
inline Connection& connection_of(PyObject* object) { return *reinterpret_cast<ConnectionObject*>(object)->connection; }

// A type for ConnectionObjectOf<Kind>; nullptr with a Python exception set.
PyTypeObject* make_connection_type(const Gil& gil, const char* name, std::size_t size, PyMethodDef* methods);

// The request id of a connection; "" of any other object.
std::string_view connection_id_of(PyObject* object);

// --- what both kinds of connection read from messages. False or empty with a Python exception set.

// True when `type` is the message type `word`.
bool is_type(PyObject* type, PyObject* word);
// An exception with a message; gives an empty object.
template <class... Arguments>
Object raise(PyObject* exception, const char* format, Arguments... arguments) {
  PyErr_Format(exception, format, arguments...);
  return {};
}
Object raise_gone();
// A member of a message; nullptr without an exception when it is missing or None.
PyObject* member(PyObject* message, PyObject* key);
// The start of a response: status, and header lines; Content-Length goes into `length` instead.
bool read_status(PyObject* message, int& status);
bool read_headers(PyObject* message, std::string& lines, std::optional<std::uint64_t>& length);
// `object` itself when it is bytes, else a copy of what its buffer holds.
Object as_bytes(PyObject* object, const char* what);

}  // namespace tandem::python
