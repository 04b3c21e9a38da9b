#include "python/function/async_call.hpp"

#include <memory>
#include <utility>

#include "python/function/answer.hpp"
#include "python/names.hpp"
#include "python/request_type.hpp"

namespace tandem::python {
namespace {

class AsyncCall final : public AsyncRequest {
 public:
  using AsyncRequest::AsyncRequest;

  void start(const Gil& gil);
  void on_touched(const Gil& gil) override;
  Object on_done(const Gil& gil, Object result) override;
  Object make_waiter(const Gil& gil) override { return waiters_.add(gil, executor().loop()); }
  void discard() override;

  // What runtime.send_stream() calls.
  bool add_piece(const Gil& gil, PyObject* piece) { return writer_->add(gil, piece); }
  bool send(const Gil& gil) { return writer_->send(executor().out(gil, exchange())); }
  bool end_stream(const Gil& gil) {
    return writer_->end(gil, executor().out(gil, exchange()), executor().timing_of(exchange()));
  }

 private:
  // Gives the coroutine that sends a streamed answer; any other is written, or what is wrong with it.
  Object answer(const Gil& gil, PyObject* returned);
  void fail(const Gil& gil, const Failure& failure);

  Waiters waiters_;
  std::unique_ptr<StreamWriter> writer_;
  Object stream_;
};

// What Python sees of a streamed answer.
struct StreamObject {
  PyObject ob_base;
  AsyncCall* call;  // nullptr once it is over
};
PyTypeObject* stream_type = nullptr;

void AsyncCall::start(const Gil& gil) {
  const Endpoint& endpoint = executor().endpoint_of(exchange());
  const auto request = make_request(gil, exchange_ptr(), executor());
  Object returned;
  if (request) {
    // The task copies this context, so that its log records name the request.
    Py_XDECREF(PyContextVar_Set(names().current_request, request.get()));
    PyObject* arguments[] = {nullptr, request.get()};
    returned = Object::steal(endpoint.takes_request ? PyObject_Vectorcall(endpoint.callable, arguments + 1,
                                                                          1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr)
                                                    : PyObject_CallNoArgs(endpoint.callable));
  }
  if (!returned) {
    fail(gil, take_failure(gil, exchange().cancelled));
    return executor().retire(gil, *this);
  }
  Object coroutine = PyCoro_CheckExact(returned.get()) ? std::move(returned) : answer(gil, returned.get());
  if (!coroutine) return executor().retire(gil, *this);
  if (executor().spawn(gil, *this, std::move(coroutine))) return;
  fail(gil, take_failure(gil, exchange().cancelled));
  executor().retire(gil, *this);
}

void AsyncCall::on_touched(const Gil& gil) {
  if (exchange().cancelled) return cancel_task(gil);
  waiters_.wake(gil);
}

Object AsyncCall::on_done(const Gil& gil, Object result) {
  if (!result) {
    fail(gil, take_failure(gil, exchange().cancelled));
  } else if (writer_ == nullptr) {
    return answer(gil, result.get());
  } else {
    executor().end(gil, exchange());  // its last frame has been written by end_stream()
  }
  return {};
}

Object AsyncCall::answer(const Gil& gil, PyObject* returned) {
  Answer answer;
  Failure failure;
  if (!answer.read(gil, returned, failure)) {
    fail(gil, failure);
    return {};
  }
  if (!answer.streamed()) {
    auto& out = executor().out(gil, exchange());
    KnownAnswer known;
    if (known.encode(gil, out, answer, failure)) {
      known.finish(out, exchange().id, answer, executor().timing_of(exchange()));
      executor().end(gil, exchange());
    } else {
      fail(gil, failure);
    }
    return {};
  }
  const auto body = answer.body;
  const bool is_async = answer.kind == Answer::Body::async_iterator;
  writer_ = std::make_unique<StreamWriter>(executor().inbox(), exchange(), std::move(answer));
  auto* stream = PyObject_New(StreamObject, stream_type);
  if (stream != nullptr) {
    stream->call = this;
    stream_ = Object::steal(reinterpret_cast<PyObject*>(stream));
    PyObject* arguments[] = {stream_.get(), body.get(), is_async ? Py_True : Py_False};
    if (auto coroutine = Object::steal(PyObject_Vectorcall(names().send_stream, arguments, 3, nullptr))) return coroutine;
  }
  fail(gil, take_failure(gil, exchange().cancelled));
  return {};
}

void AsyncCall::fail(const Gil& gil, const Failure& failure) {
  executor().append_failure(gil, exchange(), failure);
  executor().end(gil, exchange());
}

void AsyncCall::discard() {
  if (stream_) reinterpret_cast<StreamObject*>(stream_.get())->call = nullptr;
  delete this;
}

// The call behind a stream; nullptr with a Python exception set once it is over.
AsyncCall* call_of(PyObject* self) {
  auto* call = reinterpret_cast<StreamObject*>(self)->call;
  if (call == nullptr) PyErr_SetString(PyExc_RuntimeError, "the request is over");
  return call;
}

PyObject* stream_send(PyObject* self, PyObject* piece) {
  const CalledByPython gil;
  auto* call = call_of(self);
  if (call == nullptr || !call->add_piece(gil, piece)) return nullptr;
  return PyBool_FromLong(call->send(gil));
}
PyObject* stream_resume(PyObject* self, PyObject*) {
  const CalledByPython gil;
  auto* call = call_of(self);
  return call == nullptr ? nullptr : PyBool_FromLong(call->send(gil));
}
PyObject* stream_wait(PyObject* self, PyObject*) {
  const CalledByPython gil;
  auto* call = call_of(self);
  return call == nullptr ? nullptr : call->make_waiter(gil).release();
}
PyObject* stream_end(PyObject* self, PyObject*) {
  const CalledByPython gil;
  auto* call = call_of(self);
  return call != nullptr && call->end_stream(gil) ? Py_NewRef(Py_None) : nullptr;
}

void stream_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

PyMethodDef stream_methods[] = {
    {"send", stream_send, METH_O, nullptr},
    {"resume", stream_resume, METH_NOARGS, nullptr},
    {"wait", stream_wait, METH_NOARGS, nullptr},
    {"end", stream_end, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void start_call(const Gil& gil, AsyncExecutor& executor, const ExchangePtr& exchange) {
  (new AsyncCall(executor, exchange))->start(gil);  // the executor discards it
}

bool add_stream_type(const Gil&) {
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(stream_dealloc)}, {Py_tp_methods, stream_methods}, {0, nullptr}};
  PyType_Spec spec = {"_tandem.Stream", sizeof(StreamObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                      slots};
  stream_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return stream_type != nullptr;
}

}  // namespace tandem::python
