#include "python/function/async_executor.hpp"

#include <utility>

#include "python/names.hpp"
#include "python/request_type.hpp"
#include "python/stopwatch.hpp"

namespace tandem::python {
namespace {

// What Python sees of the executor, and of one streamed answer.
struct ExecutorObject {
  PyObject ob_base;
  AsyncExecutor* executor;
};
struct StreamObject {
  PyObject ob_base;
  AsyncExecutor* executor;
  std::uint64_t id;
};
PyTypeObject* executor_type = nullptr;
PyTypeObject* stream_type = nullptr;
// The one loop of this thread.
thread_local AsyncExecutor* here = nullptr;

PyObject* none_if(bool ok) { return ok ? Py_NewRef(Py_None) : nullptr; }

AsyncExecutor& executor_of(PyObject* self) { return *reinterpret_cast<ExecutorObject*>(self)->executor; }

PyObject* executor_read(PyObject* self, PyObject* lane) {
  const CalledByPython gil;
  return none_if(executor_of(self).on_read(gil, static_cast<std::size_t>(PyLong_AsLong(lane))));
}
PyObject* executor_wake(PyObject* self, PyObject*) {
  const CalledByPython gil;
  return none_if(executor_of(self).on_wake(gil));
}
PyObject* executor_flush(PyObject* self, PyObject*) {
  const CalledByPython gil;
  return none_if(executor_of(self).on_flush(gil));
}
PyObject* executor_writable(PyObject* self, PyObject* lane) {
  const CalledByPython gil;
  return none_if(executor_of(self).on_writable(gil, static_cast<std::size_t>(PyLong_AsLong(lane))));
}
PyObject* executor_stopped(PyObject* self, PyObject*) { return PyBool_FromLong(executor_of(self).stopped()); }

// A task's done callback, bound to its request.
PyObject* task_done(PyObject* request, PyObject* task) {
  const CalledByPython gil;
  if (here != nullptr) here->on_done(gil, request, task);
  Py_RETURN_NONE;
}

StreamObject& stream_of(PyObject* self) { return *reinterpret_cast<StreamObject*>(self); }

PyObject* stream_send(PyObject* self, PyObject* piece) {
  const CalledByPython gil;
  bool sent = false;
  if (!stream_of(self).executor->add_piece(gil, stream_of(self).id, piece, sent)) return nullptr;
  return PyBool_FromLong(sent);
}
PyObject* stream_resume(PyObject* self, PyObject*) {
  const CalledByPython gil;
  return PyBool_FromLong(stream_of(self).executor->resume(gil, stream_of(self).id));
}
PyObject* stream_wait(PyObject* self, PyObject*) {
  const CalledByPython gil;
  return stream_of(self).executor->make_stream_waiter(gil, stream_of(self).id);
}
PyObject* stream_end(PyObject* self, PyObject*) {
  const CalledByPython gil;
  return none_if(stream_of(self).executor->end_stream(gil, stream_of(self).id));
}

void plain_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

PyMethodDef executor_methods[] = {
    {"read", executor_read, METH_O, nullptr},
    {"wake", executor_wake, METH_NOARGS, nullptr},
    {"flush", executor_flush, METH_NOARGS, nullptr},
    {"writable", executor_writable, METH_O, nullptr},
    {"stopped", executor_stopped, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyMethodDef stream_methods[] = {
    {"send", stream_send, METH_O, nullptr},
    {"resume", stream_resume, METH_NOARGS, nullptr},
    {"wait", stream_wait, METH_NOARGS, nullptr},
    {"end", stream_end, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyMethodDef done_method = {"request_done", task_done, METH_O, nullptr};

}  // namespace

bool add_async_types(const Gil&) {
  PyType_Slot executor_slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(plain_dealloc)}, {Py_tp_methods, executor_methods}, {0, nullptr}};
  PyType_Slot stream_slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(plain_dealloc)}, {Py_tp_methods, stream_methods}, {0, nullptr}};
  constexpr unsigned kFlags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  PyType_Spec executor_spec = {"_tandem.Executor", sizeof(ExecutorObject), 0, kFlags, executor_slots};
  PyType_Spec stream_spec = {"_tandem.Stream", sizeof(StreamObject), 0, kFlags, stream_slots};
  executor_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&executor_spec));
  stream_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&stream_spec));
  return executor_type != nullptr && stream_type != nullptr;
}

AsyncExecutor::AsyncExecutor(const Program& program, ControlChannel& control, std::vector<int> lanes,
                             std::vector<bool> streamed, PyObject* runtime)
    : Executor(program, control, std::move(lanes), std::move(streamed), true),
      runtime_(runtime),
      writing_(lanes_.size()),
      closed_(lanes_.size()) {}

void AsyncExecutor::run(PyInterpreterState* interpreter) {
  here = this;
  ThreadState state(interpreter);
  {
    HeldGil gil(state.get());
    auto* self = PyObject_New(ExecutorObject, executor_type);
    if (self != nullptr) self->executor = this;
    self_ = Object::steal(reinterpret_cast<PyObject*>(self));
    loop_ = Object::steal(PyObject_CallMethod(runtime_, "make_loop", nullptr));
    if (loop_) make_task_ = Object::steal(PyObject_CallMethod(runtime_, "task_maker", "O", loop_.get()));
    if (self_) bound_flush_ = Object::steal(PyObject_GetAttrString(self_.get(), "flush"));
    if (self_) bound_writable_ = Object::steal(PyObject_GetAttrString(self_.get(), "writable"));
    Object lanes = Object::steal(PyList_New(0));
    for (int lane : lanes_) {
      const auto number = Object::steal(PyLong_FromLong(lane));
      if (lanes && number) PyList_Append(lanes.get(), number.get());
    }
    Object ended;
    if (make_task_ && bound_flush_ && bound_writable_ && lanes)
      ended = Object::steal(PyObject_CallMethod(runtime_, "run_loop", "OOOi", loop_.get(), self_.get(), lanes.get(), wake_));
    if (!ended) control_.log(5, "tandem", "the event loop ended: " + take_error_text(gil));
    running_.clear();
    loop_ = make_task_ = bound_flush_ = bound_writable_ = self_ = Object();
  }
  flush_all();
}

bool AsyncExecutor::on_read(const Gil& gil, std::size_t lane) {
  if (!read_lane(lane) && !closed_[lane]) {
    closed_[lane] = true;
    const auto removed = Object::steal(PyObject_CallMethod(loop_.get(), "remove_reader", "i", lanes_[lane]));
    if (!removed) return false;
    if (inbox_.all_closed()) inbox_.cancel_all();  // the front is gone
  }
  start_waiting(gil);
  notify_touched(gil);
  return true;
}

bool AsyncExecutor::on_wake(const Gil& gil) {
  clear_wake();
  if (draining()) read_ahead();
  start_waiting(gil);
  notify_touched(gil);
  stop_when_drained(gil);
  return true;
}

void AsyncExecutor::start_waiting(const Gil& gil) {
  while (const auto exchange = inbox_.take()) start(gil, exchange);
}

void AsyncExecutor::start(const Gil& gil, const ExchangePtr& exchange) {
  exchange->started_ns = now_ns();
  const Endpoint& endpoint = program_[exchange->head.endpoint];
  auto& running = running_[exchange->id];
  running.exchange = exchange;
  const auto request = make_request(gil, exchange, *this);
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
    fail(gil, *exchange, take_failure(gil, exchange->cancelled));
  } else if (!PyCoro_CheckExact(returned.get())) {
    answer(gil, request.get(), returned.get());  // an asynchronous generator, as a rule
  } else if (!spawn(gil, request.get(), returned.get(), running)) {
    fail(gil, *exchange, take_failure(gil, exchange->cancelled));
  }
}

bool AsyncExecutor::spawn(const Gil& gil, PyObject* request, PyObject* coroutine, Running& running) {
  running.task = Object::steal(PyObject_CallOneArg(make_task_.get(), coroutine));
  if (!running.task) return false;
  const auto task = running.task;
#if PY_VERSION_HEX >= 0x030C0000
  // Started eagerly, it may be over by now.
  const auto done = Object::steal(PyObject_CallMethodNoArgs(task.get(), names().done));
  if (!done) return false;
  if (done.get() == Py_True) {
    on_done(gil, request, task.get());
    return true;
  }
#else
  (void)gil;
#endif
  const auto callback = Object::steal(PyCFunction_New(&done_method, request));
  if (!callback) return false;
  const auto added = Object::steal(PyObject_CallMethodOneArg(task.get(), names().add_done_callback, callback.get()));
  return static_cast<bool>(added);
}

void AsyncExecutor::on_done(const Gil& gil, PyObject* request, PyObject* task) {
  const ExchangePtr exchange = exchange_of(request);
  const auto found = running_.find(exchange->id);
  const auto result = Object::steal(PyObject_CallMethodNoArgs(task, names().result));
  if (found == running_.end()) {  // it failed while it was being started
    if (!result) PyErr_Clear();
    return;
  }
  if (!result) {
    fail(gil, *exchange, take_failure(gil, exchange->cancelled));
  } else if (found->second.writer != nullptr) {
    end(gil, *exchange);  // its last frame has been written by end_stream()
  } else {
    answer(gil, request, result.get());
  }
}

void AsyncExecutor::answer(const Gil& gil, PyObject* request, PyObject* returned) {
  const ExchangePtr exchange = exchange_of(request);
  Answer answer;
  Failure failure;
  if (!answer.read(gil, returned, failure)) return fail(gil, *exchange, failure);
  if (!answer.streamed()) {
    auto& out = outboxes_[exchange->lane].out();
    KnownAnswer known;
    if (!known.encode(gil, out, answer, failure)) return fail(gil, *exchange, failure);
    frames::Timing timing;
    timing.handler_ns = static_cast<std::uint64_t>(now_ns() - exchange->started_ns);
    known.finish(out, exchange->id, answer, timing);
    return end(gil, *exchange);
  }
  auto& running = running_[exchange->id];
  const auto body = answer.body;
  const bool is_async = answer.kind == Answer::Body::async_iterator;
  running.writer = std::make_unique<StreamWriter>(inbox_, *exchange, std::move(answer));
  auto* stream = PyObject_New(StreamObject, stream_type);
  Object owner = Object::steal(reinterpret_cast<PyObject*>(stream));
  Object coroutine;
  if (stream != nullptr) {
    stream->executor = this;
    stream->id = exchange->id;
    PyObject* arguments[] = {owner.get(), body.get(), is_async ? Py_True : Py_False};
    coroutine = Object::steal(PyObject_Vectorcall(names().send_stream, arguments, 3, nullptr));
  }
  if (!coroutine || !spawn(gil, request, coroutine.get(), running))
    fail(gil, *exchange, take_failure(gil, exchange->cancelled));
}

void AsyncExecutor::fail(const Gil& gil, Exchange& exchange, const Failure& failure) {
  frames::Timing timing;
  timing.handler_ns = static_cast<std::uint64_t>(now_ns() - exchange.started_ns);
  append_error(outboxes_[exchange.lane].out(), exchange.id, failure, timing);
  end(gil, exchange);
}

void AsyncExecutor::end(const Gil& gil, Exchange& exchange) {
  inbox_.finish(exchange);
  schedule_flush(gil);
  running_.erase(exchange.id);  // the caller holds the exchange itself
  stop_when_drained(gil);
}

void AsyncExecutor::notify_touched(const Gil&) {
  inbox_.take_touched(touched_);
  for (const auto id : touched_) {
    const auto found = running_.find(id);
    if (found == running_.end()) continue;
    auto& running = found->second;
    if (running.exchange->cancelled && !running.cancel_sent && running.task) {
      running.cancel_sent = true;
      const auto task = running.task;
      const auto cancelled = Object::steal(PyObject_CallMethodNoArgs(task.get(), names().cancel));
      if (!cancelled) PyErr_WriteUnraisable(task.get());
      continue;
    }
    const auto waiter = std::exchange(running.waiter, Object());
    if (!waiter) continue;
    const auto done = Object::steal(PyObject_CallMethodNoArgs(waiter.get(), names().done));
    if (done.get() != Py_False) continue;
    const auto set = Object::steal(PyObject_CallMethodOneArg(waiter.get(), names().set_result, Py_None));
    if (!set) PyErr_WriteUnraisable(waiter.get());
  }
  touched_.clear();
}

void AsyncExecutor::schedule_flush(const Gil&) {
  if (flush_scheduled_) return;
  const auto scheduled = Object::steal(PyObject_CallMethodOneArg(loop_.get(), names().call_soon, bound_flush_.get()));
  if (!scheduled) PyErr_WriteUnraisable(loop_.get());
  flush_scheduled_ = static_cast<bool>(scheduled);
}

bool AsyncExecutor::on_flush(const Gil&) {
  flush_scheduled_ = false;
  for (std::size_t lane = 0; lane < outboxes_.size(); ++lane) {
    if (outboxes_[lane].empty() || writing_[lane] || outboxes_[lane].flush()) continue;
    const auto number = Object::steal(PyLong_FromSize_t(lane));
    const auto added = Object::steal(
        PyObject_CallMethod(loop_.get(), "add_writer", "iOO", lanes_[lane], bound_writable_.get(), number.get()));
    if (!added) return false;
    writing_[lane] = true;
  }
  return true;
}

bool AsyncExecutor::on_writable(const Gil&, std::size_t lane) {
  if (!outboxes_[lane].flush()) return true;
  writing_[lane] = false;
  return static_cast<bool>(Object::steal(PyObject_CallMethod(loop_.get(), "remove_writer", "i", lanes_[lane])));
}

void AsyncExecutor::stop_when_drained(const Gil&) {
  if (!draining() || stopped_ || !(inbox_.empty() || (inbox_.all_closed() && running_.empty()))) return;
  stopped_ = true;
  const auto stopped = Object::steal(PyObject_CallMethodNoArgs(loop_.get(), names().stop));
  if (!stopped) PyErr_WriteUnraisable(loop_.get());
}

bool AsyncExecutor::add_piece(const Gil& gil, std::uint64_t id, PyObject* piece, bool& sent) {
  const auto found = running_.find(id);
  if (found == running_.end()) return true;
  if (!found->second.writer->add(gil, piece)) return false;
  sent = found->second.writer->send(outboxes_[found->second.exchange->lane].out());
  schedule_flush(gil);
  return true;
}

bool AsyncExecutor::resume(const Gil& gil, std::uint64_t id) {
  const auto found = running_.find(id);
  if (found == running_.end()) return true;
  const bool sent = found->second.writer->send(outboxes_[found->second.exchange->lane].out());
  schedule_flush(gil);
  return sent;
}

bool AsyncExecutor::end_stream(const Gil& gil, std::uint64_t id) {
  const auto found = running_.find(id);
  if (found == running_.end()) return true;
  const auto& exchange = *found->second.exchange;
  frames::Timing timing;
  timing.handler_ns = static_cast<std::uint64_t>(now_ns() - exchange.started_ns);
  schedule_flush(gil);
  return found->second.writer->end(gil, outboxes_[exchange.lane].out(), timing);
}

void AsyncExecutor::grant(Exchange& exchange, std::size_t bytes) {
  Executor::grant(exchange, bytes);
  const CalledByPython gil;
  if (!outboxes_[exchange.lane].empty()) schedule_flush(gil);
}

bool AsyncExecutor::wait_for_piece(const Gil&, Exchange&) {
  PyErr_SetString(PyExc_RuntimeError, "in an `async def` endpoint request.stream() is read with `async for`");
  return false;
}

PyObject* AsyncExecutor::make_waiter(const Gil& gil, Exchange& exchange) { return make_stream_waiter(gil, exchange.id); }

PyObject* AsyncExecutor::make_stream_waiter(const Gil&, std::uint64_t id) {
  const auto found = running_.find(id);
  if (found == running_.end()) {
    PyErr_SetString(PyExc_RuntimeError, "the request is over");
    return nullptr;
  }
  found->second.waiter = Object::steal(PyObject_CallMethodNoArgs(loop_.get(), names().create_future));
  return Py_XNewRef(found->second.waiter.get());
}

}  // namespace tandem::python
