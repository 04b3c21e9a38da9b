#include "python/wsgi/gateway.hpp"

#include <atomic>

#include <string>
#include <string_view>

#include "http/method.hpp"
#include "http/response.hpp"
#include "python/names.hpp"
#include "python/sync_executor.hpp"
#include "python/wsgi/environ.hpp"
#include "python/wsgi/input.hpp"

namespace tandem::python::wsgi {
namespace {

// What `start_response` and `write` are bound to.
struct AnswerObject {
  PyObject ob_base;
  Gateway* gateway;  // nullptr once the request is over
};

PyTypeObject* answer_type = nullptr;
PyTypeObject* file_wrapper_type = nullptr;
PyObject* length_of_file = nullptr;

std::string type_name(PyObject* object) { return Py_TYPE(object)->tp_name; }

std::string_view bytes_of(PyObject* bytes) {
  return {PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))};
}

// The bytes in a list or tuple of bytes; nothing for what is none.
std::optional<std::uint64_t> length_of_list(PyObject* pieces) {
  if (!PyList_CheckExact(pieces) && !PyTuple_CheckExact(pieces)) return std::nullopt;
  std::uint64_t total = 0;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(pieces); ++i) {
    PyObject* const piece = PySequence_Fast_GET_ITEM(pieces, i);
    if (!PyBytes_Check(piece)) return std::nullopt;
    total += bytes_of(piece).size();
  }
  return total;
}

Gateway* gateway_of(PyObject* self) {
  Gateway* gateway = reinterpret_cast<AnswerObject*>(self)->gateway;
  if (gateway == nullptr) PyErr_SetString(PyExc_RuntimeError, "the request is over");
  return gateway;
}

PyObject* call_write(PyObject* self, PyObject* data) {
  const CalledByPython gil;
  Gateway* gateway = gateway_of(self);
  if (gateway == nullptr || !gateway->write(gil, data)) return nullptr;
  Py_RETURN_NONE;
}
PyMethodDef write_method = {"write", call_write, METH_O, nullptr};

PyObject* call_start_response(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
  const CalledByPython gil;
  const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
  const bool names_exc_info = named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "exc_info") == 0;
  if (count < 2 || count + named > 3 || (named > 0 && !names_exc_info)) {
    PyErr_SetString(PyExc_TypeError, "start_response() takes a status, a list of headers, and maybe exc_info");
    return nullptr;
  }
  Gateway* gateway = gateway_of(self);
  PyObject* const exc_info = count + named == 3 ? arguments[2] : Py_None;
  if (gateway == nullptr || !gateway->start_response(gil, arguments[0], arguments[1], exc_info)) return nullptr;
  return PyCFunction_New(&write_method, self);
}
PyMethodDef start_response_method = {"start_response",
                                     reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_start_response)),
                                     METH_FASTCALL | METH_KEYWORDS, nullptr};

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

bool load_answer_type() {
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc)}, {0, nullptr}};
  PyType_Spec spec = {"tandem.wsgi.Answer", sizeof(AnswerObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots};
  answer_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return answer_type != nullptr;
}

// The application's `start_response`, for as long as it is served.
class Callable {
 public:
  explicit Callable(Gateway& gateway) {
    auto* answer = PyObject_New(AnswerObject, answer_type);
    if (answer == nullptr) return;
    answer->gateway = &gateway;
    answer_ = Object::steal(reinterpret_cast<PyObject*>(answer));
    start_response_ = Object::steal(PyCFunction_New(&start_response_method, answer_.get()));
  }
  ~Callable() {
    if (answer_) reinterpret_cast<AnswerObject*>(answer_.get())->gateway = nullptr;
  }
  Callable(const Callable&) = delete;
  Callable& operator=(const Callable&) = delete;

  PyObject* get() const { return start_response_.get(); }

 private:
  Object answer_;
  Object start_response_;
};

// sys.exc_info() of a failure that start_response() was told of is raised again. Always false.
bool raise_again(const Gil& gil, PyObject* exc_info) {
  if (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3 ||
      !PyExceptionInstance_Check(PyTuple_GET_ITEM(exc_info, 1))) {
    PyErr_SetString(PyExc_TypeError, "exc_info is what sys.exc_info() gave");
    return false;
  }
  restore_exception(gil, Object::borrow(PyTuple_GET_ITEM(exc_info, 1)));
  return false;
}

}  // namespace

bool load(const Gil& gil, PyObject* runtime, bool multithread, bool multiprocess) {
  file_wrapper_type = reinterpret_cast<PyTypeObject*>(PyObject_GetAttrString(runtime, "FileWrapper"));
  length_of_file = PyObject_GetAttrString(runtime, "length_of_file");
  return file_wrapper_type != nullptr && length_of_file != nullptr && load_answer_type() && load_input_type(gil) &&
         load_environ(gil, runtime, multithread, multiprocess);
}

bool Gateway::is_head_request() const { return exchange_->head.method == static_cast<std::uint8_t>(http::Method::head); }

bool Gateway::drops_body() const { return is_head_request() || !http::may_have_body(head_.status); }

bool Gateway::start_response(const Gil& gil, PyObject* status, PyObject* headers, PyObject* exc_info) {
  if (exc_info != Py_None) {
    if (head_sent_) return raise_again(gil, exc_info);
  } else if (head_.status != 0) {
    PyErr_SetString(PyExc_AssertionError, "start_response() was called again without exc_info");
    return false;
  }
  if (!head_.read(gil, status, headers)) return false;
  if (!head_.left_out.empty()) warn_of_hop_by_hop();
  return true;
}

bool Gateway::write(const Gil& gil, PyObject* data) {
  if (!executor_.is_own_thread()) {
    PyErr_SetString(PyExc_RuntimeError, "write() is called on the application's own thread");
    return false;
  }
  if (!PyBytes_Check(data)) {
    PyErr_Format(PyExc_TypeError, "write() takes bytes, not %s", Py_TYPE(data)->tp_name);
    return false;
  }
  if (head_.status == 0) {
    PyErr_SetString(PyExc_AssertionError, "write() was called before start_response()");
    return false;
  }
  if (!drops_body() && bytes_of(data).size() > room()) {
    PyErr_SetString(PyExc_ValueError, "more was written than the Content-Length says");
    return false;
  }
  return send(gil, data);
}

bool Gateway::serve(const Gil& gil, const ExchangePtr& exchange, const Endpoint& endpoint, Failure& failure) {
  exchange_ = exchange.get();
  head_.clear();
  head_sent_ = false;
  sent_ = 0;
  body_.reset();
  const Callable start_response(*this);
  const auto input = make_input(gil, exchange, executor_);
  const auto environ = start_response.get() && input ? make_environ(gil, *exchange, endpoint, input.get()) : Object();
  if (!environ) return false;
  PyObject* arguments[] = {nullptr, environ.get(), start_response.get()};
  const auto returned =
      Object::steal(PyObject_Vectorcall(endpoint.callable, arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  if (!returned) return false;
  return respond(gil, returned.get(), failure);
}

bool Gateway::respond(const Gil& gil, PyObject* returned, Failure& failure) {
  if (const auto total = length_of_list(returned); total && head_.status != 0 && !head_sent_) {
    if (!is_long_enough(*total, failure)) return false;
    if (head_.content_length.value_or(*total) == *total && http::may_have_body(head_.status)) {
      send_whole(returned);
      return true;
    }
  }
  const bool served = respond_in_pieces(gil, returned, failure);
  // The request ends when the application is done with it, not earlier.
  close(gil, returned);
  return served && finish(failure);
}

bool Gateway::is_long_enough(std::uint64_t total, Failure& failure) const {
  if (drops_body() || total >= head_.content_length.value_or(0)) return true;
  failure = bad_response("the answer has " + std::to_string(total) + " bytes, its Content-Length says " +
                         std::to_string(*head_.content_length));
  return false;
}

void Gateway::send_whole(PyObject* pieces) {
  auto& out = executor_.out(*exchange_);
  WholeResponse response;
  response.begin(out);
  out.append(head_.lines);
  response.begin_body(out);
  if (pieces != nullptr)
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(pieces); ++i)
      out.append(bytes_of(PySequence_Fast_GET_ITEM(pieces, i)));
  response.finish(out, exchange_->id, head_.status, executor_.stop_clock(*exchange_));
}

bool Gateway::respond_in_pieces(const Gil& gil, PyObject* iterable, Failure& failure) {
  const bool is_text = PyUnicode_Check(iterable) || PyBytes_Check(iterable);
  const auto iterator = Object::steal(is_text ? nullptr : PyObject_GetIter(iterable));
  if (!iterator) {
    if (!is_text && PyErr_ExceptionMatches(PyExc_TypeError) == 0) return false;
    PyErr_Clear();
    failure = bad_response("the application returned a " + type_name(iterable) + ", expected an iterable of bytes");
    return false;
  }
  if (Py_TYPE(iterable) == file_wrapper_type && !head_.content_length && head_.status != 0 && !head_sent_) {
    const auto length = Object::steal(PyObject_CallOneArg(length_of_file, iterable));
    if (!length) return false;
    if (length.get() != Py_None) head_.content_length = PyLong_AsUnsignedLongLong(length.get());
  }
  while (const auto piece = Object::steal(PyIter_Next(iterator.get()))) {
    if (!PyBytes_Check(piece.get())) {
      failure = bad_response("the application's iterable gave a " + type_name(piece.get()) + ", expected bytes");
      return false;
    }
    if (PyBytes_GET_SIZE(piece.get()) == 0) continue;
    if (head_.status == 0) break;
    if (drops_body()) return true;  // nobody wants the rest
    if (room() == 0) {
      warn_of_surplus();
      return true;
    }
    if (!send(gil, piece.get())) return false;
  }
  if (PyErr_Occurred() != nullptr) return false;
  if (head_.status != 0) return true;
  failure = bad_response("the application did not call start_response()");
  return false;
}

bool Gateway::send(const Gil& gil, PyObject* piece) {
  auto bytes = bytes_of(piece);
  if (bytes.empty()) return true;
  if (!head_sent_) send_head();
  if (drops_body()) return true;
  if (bytes.size() > room()) {
    warn_of_surplus();
    bytes = bytes.substr(0, static_cast<std::size_t>(room()));
  }
  body_->pending().append(bytes);
  sent_ += bytes.size();
  return executor_.send(gil, *exchange_, *body_);
}

void Gateway::send_head() {
  head_sent_ = true;
  body_.emplace(executor_.inbox(), *exchange_);
  append_streamed_head(executor_.out(*exchange_), exchange_->id, head_.status, head_.lines,
                       head_.content_length.value_or(kUnknownLength));
}

bool Gateway::finish(Failure& failure) {
  if (!is_long_enough(sent_, failure)) return false;
  if (!head_sent_ && !is_head_request()) {
    send_whole(nullptr);
    return true;
  }
  if (!head_sent_) send_head();  // what a GET would be answered with, without the body
  append_response_end(executor_.out(*exchange_), exchange_->id, executor_.stop_clock(*exchange_));
  return true;
}

void Gateway::close(const Gil& gil, PyObject* returned) {
  // Looking it up may run Python code, with which no exception may be pending.
  const bool failed = PyErr_Occurred() != nullptr;
  auto error = failed ? take_exception(gil) : Object();
  if (PyObject_HasAttr(returned, names().close) != 0) call_close(gil, returned);
  if (failed) restore_exception(gil, std::move(error));
}

void Gateway::call_close(const Gil& gil, PyObject* returned) {
  executor_.hold_interrupt(*exchange_);
  const auto closed = Object::steal(PyObject_CallMethodNoArgs(returned, names().close));
  if (!closed) {
    executor_.control().log(4, "tandem", "close() of the application's answer failed: " + take_error_text(gil),
                            exchange_->text(exchange_->head.request_id));
  }
}

// Once a worker: an application that does it does it with every answer.
void Gateway::warn_of_hop_by_hop() {
  static std::atomic<bool> warned{false};
  if (warned.exchange(true)) return;
  executor_.control().log(3, "tandem",
                          "the application sends the hop-by-hop field " + head_.left_out +
                              ", which is the server's to say (PEP 3333): such fields are left out",
                          exchange_->text(exchange_->head.request_id));
}

void Gateway::warn_of_surplus() {
  executor_.control().log(3, "tandem",
                          "the application's answer is longer than its Content-Length says: the rest is dropped",
                          exchange_->text(exchange_->head.request_id));
}

}  // namespace tandem::python::wsgi
