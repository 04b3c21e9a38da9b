#include "python/async_executor.hpp"

#include <algorithm>
#include <utility>

#include "python/asgi/http_connection.hpp"
#include "python/asgi/websocket_connection.hpp"
#include "python/function/async_call.hpp"
#include "python/module_loader.hpp"
#include "python/names.hpp"
#include "python/python_errors.hpp"
#include "python/stopwatch.hpp"

namespace tandem::python {
namespace {

// Answers of a batch do not wait longer than this for those behind them, nor grow larger together: what is written at once
// should fit into the socket and be in the cache still.
constexpr std::int64_t kMaxHoldNs = 1'000'000;
constexpr std::size_t kMaxHoldBytes = 128 * 1024;

// What Python sees of the executor.
struct ExecutorObject {
  PyObject ob_base;
  AsyncExecutor* executor;
};
// The coroutine of a task that serves a request: the endpoint's own, with an end of ours.
struct ServingObject {
  PyObject ob_base;
  AsyncRequest* request;  // nullptr once it is over
  PyObject* coroutine;    // what it goes on with
};
PyTypeObject* executor_type = nullptr;
PyTypeObject* serving_type = nullptr;

PyObject* none_if(bool ok) { return ok ? Py_NewRef(Py_None) : nullptr; }

AsyncExecutor& executor_of(PyObject* self) { return *reinterpret_cast<ExecutorObject*>(self)->executor; }
ServingObject* as_serving(PyObject* self) { return reinterpret_cast<ServingObject*>(self); }

PyObject* executor_started(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  const CalledByPython gil;
  return none_if(count == 2 && executor_of(self).on_started(gil, arguments[0], arguments[1]));
}
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

bool is_finished(const Gil&, const Object& future) {
  const auto done = Object::steal(PyObject_CallMethodNoArgs(future.get(), names().done));
  if (!done) PyErr_WriteUnraisable(future.get());
  return done.get() != Py_False;
}

// A piece of what the loop does for one request; one inside another is the other's.
class Step {
 public:
  explicit Step(const ExchangePtr& exchange) { begin(exchange); }
  // Null: nobody's.
  explicit Step(const AsyncRequest* request) {
    if (request != nullptr) begin(request->exchange_ptr());
  }
  ~Step() {
    if (exchange_) exchange_->steps.stop();
  }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  void begin(const ExchangePtr& exchange) {
    if ((exchange->head.flags & frames::kMeasureCpu) == 0 || exchange->steps.is_running()) return;
    exchange_ = exchange;
    exchange_->steps.start();
  }

  ExchangePtr exchange_;  // the request may be over before the step is
};

// The endpoint's coroutine has come to its end, with `result` or an exception: true when another one takes over.
bool go_on(const Gil& gil, PyObject* self, Object result) {
  auto* serving = as_serving(self);
  const auto ended = Object::steal(std::exchange(serving->coroutine, nullptr));
  if (serving->request == nullptr) {  // the executor has let go of it
    PyErr_Clear();
    return false;
  }
  auto& request = *serving->request;
  auto next = request.on_done(gil, std::move(result));
  if (next) {
    serving->coroutine = next.release();
    return true;
  }
  serving->request = nullptr;
  request.executor().retire(gil, request);
  return false;
}

PySendResult serving_send(PyObject* self, PyObject* value, PyObject** result) {
  const CalledByPython gil;
  const Step step(as_serving(self)->request);
  *result = nullptr;
  while (as_serving(self)->coroutine != nullptr) {
    const auto status = PyIter_Send(as_serving(self)->coroutine, value, result);
    if (status == PYGEN_NEXT) return PYGEN_NEXT;
    if (!go_on(gil, self, Object::steal(std::exchange(*result, nullptr)))) break;
    value = Py_None;
  }
  *result = Py_NewRef(Py_None);
  return PYGEN_RETURN;
}

PyObject* stop_iteration_unless(PySendResult status, PyObject* result) {
  if (status != PYGEN_RETURN) return result;
  Py_DECREF(result);
  PyErr_SetNone(PyExc_StopIteration);
  return nullptr;
}

PyObject* serving_next(PyObject* self) {
  PyObject* result = nullptr;
  const auto status = serving_send(self, Py_None, &result);
  return stop_iteration_unless(status, result);
}

PyObject* serving_send_method(PyObject* self, PyObject* value) {
  PyObject* result = nullptr;
  const auto status = serving_send(self, value, &result);
  return stop_iteration_unless(status, result);
}

PyObject* serving_throw(PyObject* self, PyObject* arguments) {
  const CalledByPython gil;
  const Step step(as_serving(self)->request);
  const auto coroutine = Object::borrow(as_serving(self)->coroutine);
  if (coroutine) {
    const auto method = Object::steal(PyObject_GetAttr(coroutine.get(), names().throw_));
    auto yielded = method ? Object::steal(PyObject_CallObject(method.get(), arguments)) : Object();
    if (yielded) return yielded.release();
    Object result;
    if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
      const auto stop = take_exception(gil);
      result = Object::steal(PyObject_GetAttr(stop.get(), names().value));
    }
    if (go_on(gil, self, std::move(result))) return serving_next(self);
  }
  PyErr_SetNone(PyExc_StopIteration);
  return nullptr;
}

PyObject* serving_close(PyObject* self, PyObject*) {
  const auto coroutine = Object::borrow(as_serving(self)->coroutine);
  if (coroutine) return PyObject_CallMethodNoArgs(coroutine.get(), names().close);
  Py_RETURN_NONE;
}

// Debuggers, anyio and `asyncio.all_tasks()` look at a task's coroutine: they see the endpoint's.
PyObject* serving_getattr(PyObject* self, PyObject* name) {
  PyObject* const own = PyObject_GenericGetAttr(self, name);
  if (own != nullptr || as_serving(self)->coroutine == nullptr || !PyErr_ExceptionMatches(PyExc_AttributeError)) return own;
  PyErr_Clear();
  return PyObject_GetAttr(as_serving(self)->coroutine, name);
}

PyObject* serving_repr(PyObject* self) {
  if (as_serving(self)->coroutine == nullptr) return PyUnicode_FromString("<finished request>");
  return PyObject_Repr(as_serving(self)->coroutine);
}

void serving_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_XDECREF(as_serving(self)->coroutine);
  PyObject_Free(self);
  Py_DECREF(type);
}

void executor_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

template <class Function>
void* slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

PyMethodDef executor_methods[] = {
    {"started", reinterpret_cast<PyCFunction>(slot(executor_started)), METH_FASTCALL, nullptr},
    {"read", executor_read, METH_O, nullptr},
    {"wake", executor_wake, METH_NOARGS, nullptr},
    {"flush", executor_flush, METH_NOARGS, nullptr},
    {"writable", executor_writable, METH_O, nullptr},
    {"stopped", executor_stopped, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyMethodDef serving_methods[] = {
    {"send", serving_send_method, METH_O, nullptr},
    {"throw", serving_throw, METH_VARARGS, nullptr},
    {"close", serving_close, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_async_types(const Gil&) {
  PyType_Slot executor_slots[] = {{Py_tp_dealloc, slot(executor_dealloc)}, {Py_tp_methods, executor_methods}, {0, nullptr}};
  PyType_Slot serving_slots[] = {
      {Py_tp_dealloc, slot(serving_dealloc)}, {Py_tp_repr, slot(serving_repr)},     {Py_tp_getattro, slot(serving_getattr)},
      {Py_tp_iter, slot(PyObject_SelfIter)},  {Py_tp_iternext, slot(serving_next)}, {Py_am_await, slot(PyObject_SelfIter)},
      {Py_am_send, slot(serving_send)},       {Py_tp_methods, serving_methods},     {0, nullptr}};
  constexpr unsigned kFlags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  PyType_Spec executor_spec = {"_tandem.Executor", sizeof(ExecutorObject), 0, kFlags, executor_slots};
  PyType_Spec serving_spec = {"_tandem.Serving", sizeof(ServingObject), 0, kFlags, serving_slots};
  executor_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&executor_spec));
  serving_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&serving_spec));
  return executor_type != nullptr && serving_type != nullptr;
}

// --------------------------------------------------------------------------------------------------------------- requests

Object Waiters::add(const Gil& gil, PyObject* loop) {
  auto future = Object::steal(PyObject_CallMethodNoArgs(loop, names().create_future));
  if (!future) return future;
  if (futures_.size() >= most_) forget_finished(gil);
  futures_.push_back(future);
  return future;
}

// Whoever polls, with wait_for() or Starlette's is_disconnected(), leaves a cancelled one behind each time.
void Waiters::forget_finished(const Gil& gil) {
  std::erase_if(futures_, [&](const Object& future) { return is_finished(gil, future); });
  most_ = std::max(kFew, 2 * futures_.size());
}

void Waiters::wake(const Gil& gil) {
  for (const auto& future : std::exchange(futures_, {})) {
    if (is_finished(gil, future)) continue;  // cancelled, as a rule
    const auto set = Object::steal(PyObject_CallMethodOneArg(future.get(), names().set_result, Py_None));
    if (!set) PyErr_WriteUnraisable(future.get());
  }
}

AsyncRequest::AsyncRequest(AsyncExecutor& executor, ExchangePtr exchange)
    : executor_(executor), exchange_(std::move(exchange)) {
  executor_.link(*this);
}

void AsyncRequest::cancel_task(const Gil& gil) { executor_.cancel(gil, *this); }

// --------------------------------------------------------------------------------------------------------------- executor

class AsyncExecutor::Batch {
 public:
  explicit Batch(const Gil& gil, AsyncExecutor& executor) : gil_(gil), executor_(executor), flushed_ns_(now_ns()) {
    executor_.in_batch_ = true;
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() { executor_.in_batch_ = false; }

  std::int64_t started_ns() const { return flushed_ns_; }
  bool flush_if_due(std::int64_t now, const Outbox& outbox) {
    if (now - flushed_ns_ <= kMaxHoldNs && outbox.bytes() <= kMaxHoldBytes) return true;
    flushed_ns_ = now;
    return executor_.flush(gil_);
  }

 private:
  const Gil& gil_;
  AsyncExecutor& executor_;
  std::int64_t flushed_ns_;
};

AsyncExecutor::AsyncExecutor(const Program& program, ControlChannel& control, std::vector<int> lanes,
                             std::vector<bool> streamed, PyObject* runtime)
    : Executor(program, control, std::move(lanes), std::move(streamed), true),
      runtime_(runtime),
      scopes_(program),
      writing_(lanes_.size()),
      closed_(lanes_.size()) {}

void AsyncExecutor::run(PyInterpreterState* interpreter) {
  ThreadState state(interpreter);
  {
    HeldGil gil(state.get());
    set_up(gil);
    Object lanes = Object::steal(PyList_New(0));
    for (int lane : lanes_) {
      const auto number = Object::steal(PyLong_FromLong(lane));
      if (lanes && number) PyList_Append(lanes.get(), number.get());
    }
    Object ended;
    if (bound_writable_ && lanes)
      ended = Object::steal(PyObject_CallMethod(runtime_, "run_loop", "OOOi", loop_.get(), self_.get(), lanes.get(), wake_));
    if (!ended) {
      const auto text = take_error_text(gil);
      control_.log(5, "tandem", "the event loop ended: " + text);
      tell_started(format_failure("event loop", "the event loop ended", text));
    }
    while (running_ != nullptr) retire(gil, *running_);
    scopes_.close();
    tasks_.close(gil);
    loop_ = bound_flush_ = bound_writable_ = self_ = Object();
  }
  flush_all();
}

// Up to the last of these members, or with a Python exception set.
void AsyncExecutor::set_up(const Gil& gil) {
  auto* self = PyObject_New(ExecutorObject, executor_type);
  if (self == nullptr) return;
  self->executor = this;
  self_ = Object::steal(reinterpret_cast<PyObject*>(self));
  loop_ = Object::steal(PyObject_CallMethod(runtime_, "make_loop", nullptr));
  if (!loop_ || !tasks_.open(gil, loop_.get())) return;
  bound_flush_ = Object::steal(PyObject_GetAttrString(self_.get(), "flush"));
  if (bound_flush_) bound_writable_ = Object::steal(PyObject_GetAttrString(self_.get(), "writable"));
}

bool AsyncExecutor::on_started(const Gil& gil, PyObject* failure, PyObject* states) {
  if (failure == Py_None && !scopes_.open(gil, states)) return false;
  tell_started(utf8(gil, failure));
  return true;
}

void AsyncExecutor::tell_started(const std::string& failure) {
  if (!std::exchange(start_told_, true)) started_.set_value(failure);
}

bool AsyncExecutor::on_read(const Gil& gil, std::size_t lane) {
  Batch batch(gil, *this);
  if (!read_lane(lane) && !closed_[lane]) {
    closed_[lane] = true;
    const auto removed = Object::steal(PyObject_CallMethod(loop_.get(), "remove_reader", "i", lanes_[lane]));
    if (!removed) return false;
    if (inbox_.all_closed()) cancel_all(gil);  // the front is gone
  }
  start_waiting(gil, batch);
  notify_touched(gil);
  return flush(gil);
}

bool AsyncExecutor::on_wake(const Gil& gil) {
  Batch batch(gil, *this);
  clear_wake();
  if (draining()) read_ahead();
  start_waiting(gil, batch);
  notify_touched(gil);
  stop_when_drained(gil);
  return flush(gil);
}

void AsyncExecutor::start_waiting(const Gil& gil, Batch& batch) {
  auto now = batch.started_ns();
  while (const auto exchange = inbox_.take()) {
    exchange->started_ns = now;
    start(gil, exchange);
    now = now_ns();
    if (!batch.flush_if_due(now, outboxes_[exchange->lane])) PyErr_WriteUnraisable(self_.get());
  }
}

void AsyncExecutor::start(const Gil& gil, const ExchangePtr& exchange) {
  const Step step(exchange);
  if (endpoint_of(*exchange).interface != Interface::asgi) return start_call(gil, *this, exchange);
  if ((exchange->head.flags & frames::kWebSocket) != 0) return start_websocket(gil, *this, exchange);
  start_http(gil, *this, exchange);
}

void AsyncExecutor::link(AsyncRequest& request) {
  request.exchange().running = &request;
  request.next_ = running_;
  if (running_ != nullptr) running_->previous_ = &request;
  running_ = &request;
}

bool AsyncExecutor::spawn(const Gil& gil, AsyncRequest& request, Object coroutine) {
  auto* serving = PyObject_New(ServingObject, serving_type);
  if (serving == nullptr) return false;
  serving->request = &request;
  serving->coroutine = coroutine.release();
  const auto owner = Object::steal(reinterpret_cast<PyObject*>(serving));
  Object task;
  const bool started = tasks_.start(gil, owner.get(), task);
  if (serving->request == nullptr) {  // over already
    PyErr_Clear();
    return true;
  }
  if (!started) {
    serving->request = nullptr;
    return false;
  }
  if (!tasks_.enroll(gil, task.get())) PyErr_WriteUnraisable(task.get());
  request.task_ = std::move(task);
  return true;
}

void AsyncExecutor::retire(const Gil& gil, AsyncRequest& request) {
  (request.previous_ != nullptr ? request.previous_->next_ : running_) = request.next_;
  if (request.next_ != nullptr) request.next_->previous_ = request.previous_;
  request.exchange().running = nullptr;
  request.task_ = Object();
  request.discard();
  stop_when_drained(gil);
}

void AsyncExecutor::end(const Gil&, Exchange& exchange) { inbox_.finish(exchange); }

void AsyncExecutor::append_failure(const Gil& gil, Exchange& exchange, const Failure& failure) {
  append_error(out(gil, exchange), exchange.id, failure, timing_of(exchange));
}

frames::Timing AsyncExecutor::timing_of(const Exchange& exchange) const {
  frames::Timing timing;
  timing.handler_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ns() - exchange.started_ns, 0));
  timing.cpu_ns = static_cast<std::uint64_t>(exchange.steps.spent_ns());
  return timing;
}

std::string& AsyncExecutor::out(const Gil&, const Exchange& exchange) {
  if (!in_batch_ && !flush_scheduled_) {
    const auto scheduled = Object::steal(PyObject_CallMethodOneArg(loop_.get(), names().call_soon, bound_flush_.get()));
    if (!scheduled) PyErr_WriteUnraisable(loop_.get());
    flush_scheduled_ = static_cast<bool>(scheduled);
  }
  return outboxes_[exchange.lane].out();
}

void AsyncExecutor::append_credit(const Gil& gil, const Exchange& exchange, std::size_t bytes) {
  if (bytes == 0) return;
  frames::append_u32(out(gil, exchange), frames::Type::request_credit, exchange.id, static_cast<std::uint32_t>(bytes));
}

void AsyncExecutor::notify_touched(const Gil& gil) {
  inbox_.take_touched(touched_);
  for (const auto& exchange : touched_)
    if (exchange->running != nullptr) exchange->running->on_touched(gil);
  touched_.clear();
}

void AsyncExecutor::cancel_all(const Gil& gil) {
  inbox_.cancel_all();
  // Those that have answered and go on are not in the inbox any more.
  for (auto* request = running_; request != nullptr; request = request->next_) cancel(gil, *request);
}

void AsyncExecutor::cancel(const Gil&, AsyncRequest& request) {
  if (!request.task_ || std::exchange(request.task_cancelled_, true)) return;
  const auto task = request.task_;
  const auto cancelled = Object::steal(PyObject_CallMethodNoArgs(task.get(), names().cancel));
  if (!cancelled) PyErr_WriteUnraisable(task.get());
}

bool AsyncExecutor::on_flush(const Gil& gil) {
  flush_scheduled_ = false;
  return flush(gil);
}

bool AsyncExecutor::flush(const Gil&) {
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
  if (!draining() || stopped_ || running_ != nullptr || !(inbox_.empty() || inbox_.all_closed())) return;
  stopped_ = true;
  const auto stopped = Object::steal(PyObject_CallMethodNoArgs(loop_.get(), names().stop));
  if (!stopped) PyErr_WriteUnraisable(loop_.get());
}

void AsyncExecutor::grant(Exchange& exchange, std::size_t bytes) {
  Executor::grant(exchange, bytes);
  const CalledByPython gil;
  if (!outboxes_[exchange.lane].empty()) out(gil, exchange);
}

bool AsyncExecutor::wait_for_piece(const Gil&, Exchange&) {
  PyErr_SetString(PyExc_RuntimeError, "in an `async def` endpoint request.stream() is read with `async for`");
  return false;
}

PyObject* AsyncExecutor::make_waiter(const Gil& gil, Exchange& exchange) {
  if (exchange.running != nullptr) return exchange.running->make_waiter(gil).release();
  PyErr_SetString(PyExc_RuntimeError, "the request is over");
  return nullptr;
}

}  // namespace tandem::python
