#include "python/sync_executor.hpp"

#include <utility>

#include "python/current.hpp"
#include "python/names.hpp"
#include "python/request_type.hpp"

namespace tandem::python {
namespace {
// Answers of a batch do not wait longer than this for those behind them.
constexpr std::int64_t kMaxHoldNs = 1'000'000;
}  // namespace

SyncExecutor::SyncExecutor(const Program& program, ControlChannel& control, std::vector<int> lanes,
                           std::vector<bool> streamed)
    : Executor(program, control, std::move(lanes), std::move(streamed), false) {
  for (int lane : lanes_) polled_.push_back({lane, POLLIN, 0});
  polled_.push_back({wake_, POLLIN, 0});
}

void SyncExecutor::run(PyInterpreterState* interpreter) {
  thread_ = PyThread_get_thread_ident();
  ThreadState state(interpreter);
  for (;;) {
    if (inbox_.has_waiting()) {
      const auto asked = now_ns();
      HeldGil gil(state.get());
      const auto now = now_ns();
      clock_.begin_batch(now, now - asked);
      flushed_ns_ = now;
      serve_waiting(gil);
    }
    flush_some();
    if (inbox_.has_waiting()) continue;
    if (draining()) {
      read_ahead();
      if (inbox_.empty() || inbox_.all_closed()) break;
      if (inbox_.has_waiting()) continue;
    }
    poll_lanes();
  }
  flush_all();
}

void SyncExecutor::poll_lanes() {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    polled_[i].events = static_cast<short>(POLLIN | (outboxes_[i].empty() ? 0 : POLLOUT));
    polled_[i].revents = 0;
  }
  polled_.back().revents = 0;
  if (::poll(polled_.data(), polled_.size(), -1) < 0) return;
  if (polled_.back().revents != 0) clear_wake();
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if ((polled_[i].revents & POLLOUT) != 0) outboxes_[i].flush();
    if ((polled_[i].revents & ~POLLOUT) != 0 && !read_lane(i)) polled_[i].fd = -1;
  }
}

void SyncExecutor::flush_some() {
  for (auto& outbox : outboxes_)
    if (!outbox.empty()) outbox.flush();
}

void SyncExecutor::serve_waiting(const Gil& gil) {
  while (const auto exchange = inbox_.take()) serve(gil, exchange);
}

void SyncExecutor::serve(const Gil& gil, const ExchangePtr& exchange) {
  exchange->started_ns = now_ns();
  if (exchange->started_ns - flushed_ns_ > kMaxHoldNs) {
    flush_some();
    flushed_ns_ = exchange->started_ns;
  }
  const Endpoint& endpoint = program_[exchange->head.endpoint];
  const CurrentRequest current(*exchange);
  serving_ = exchange.get();
  Failure failure;
  const bool served = endpoint.interface == Interface::wsgi ? gateway_.serve(gil, exchange, endpoint, failure)
                                                            : serve_function(gil, exchange, endpoint, failure);
  if (!served) {
    if (PyErr_Occurred() != nullptr) failure = take_failure(gil, exchange->cancelled);
    append_error(out(*exchange), exchange->id, failure, stop_clock(*exchange));
  }
  serving_ = nullptr;
  inbox_.finish(*exchange);
  // An interruption that came too late must not hit the next request.
  if (exchange->cancelled) PyThreadState_SetAsyncExc(thread_, nullptr);
}

bool SyncExecutor::serve_function(const Gil& gil, const ExchangePtr& exchange, const Endpoint& endpoint, Failure& failure) {
  Object returned;
  if (endpoint.takes_request) {
    const auto request = make_request(gil, exchange, *this);
    PyObject* arguments[] = {nullptr, request.get()};
    if (request)
      returned =
          Object::steal(PyObject_Vectorcall(endpoint.callable, arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
  } else {
    returned = Object::steal(PyObject_CallNoArgs(endpoint.callable));
  }
  return returned && answer(gil, *exchange, returned.get(), failure);
}

bool SyncExecutor::answer(const Gil& gil, Exchange& exchange, PyObject* returned, Failure& failure) {
  Answer answer;
  if (!answer.read(gil, returned, failure)) return false;
  if (answer.kind == Answer::Body::async_iterator) {
    failure = bad_response("only an `async def` endpoint can answer with an asynchronous iterator");
    return false;
  }
  if (answer.streamed()) return stream(gil, exchange, std::move(answer));
  KnownAnswer known;
  if (!known.encode(gil, out(exchange), answer, failure)) {
    if (exchange.cancelled) failure.code = "python.cancelled";
    return false;
  }
  known.finish(out(exchange), exchange.id, answer, stop_clock(exchange));
  return true;
}

bool SyncExecutor::stream(const Gil& gil, Exchange& exchange, Answer answer) {
  const auto pieces = answer.body;
  StreamWriter writer(inbox_, exchange, std::move(answer));
  bool served = true;
  while (served) {
    const auto piece = Object::steal(PyIter_Next(pieces.get()));
    if (!piece) {
      served = PyErr_Occurred() == nullptr;
      break;
    }
    served = writer.add(gil, piece.get()) && send(gil, exchange, writer);
  }
  Object error;
  if (!served) error = take_exception(gil);
  if (!served && PyObject_HasAttr(pieces.get(), names().close) != 0) {
    const auto closed = Object::steal(PyObject_CallMethodNoArgs(pieces.get(), names().close));
    if (!closed) PyErr_WriteUnraisable(pieces.get());
  }
  if (served) return writer.end(gil, out(exchange), stop_clock(exchange));
  restore_exception(gil, std::move(error));
  return false;
}

bool SyncExecutor::raise_if_cancelled(const Gil&, Exchange& exchange) {
  if (!exchange.cancelled) return true;
  hold_interrupt(exchange);  // it may be on its way too
  PyErr_SetNone(names().cancelled_type);
  return false;
}

void SyncExecutor::hold_interrupt(Exchange& exchange) {
  if (!exchange.cancelled) return;
  exchange.told = true;
  PyThreadState_SetAsyncExc(thread_, nullptr);
}

bool SyncExecutor::wait_while_serving(const Gil& gil, Exchange& exchange) {
  {
    const ReleasedGil released(gil);
    flush_some();
    poll_lanes();
  }
  if (inbox_.all_closed()) exchange.cancelled = true;  // the front is gone
  return raise_if_cancelled(gil, exchange);
}

bool SyncExecutor::wait_for_piece(const Gil& gil, Exchange& exchange) {
  if (!is_own_thread()) {
    PyErr_SetString(PyExc_RuntimeError, "the request's body is read on the endpoint's own thread");
    return false;
  }
  return wait_while_serving(gil, exchange);
}

PyObject* SyncExecutor::make_waiter(const Gil&, Exchange&) {
  PyErr_SetString(PyExc_RuntimeError, "`async for` over request.stream() needs an `async def` endpoint");
  return nullptr;
}

std::string SyncExecutor::serving(const Gil&) const {
  return serving_ == nullptr ? std::string() : std::string(serving_->text(serving_->head.request_id));
}

void SyncExecutor::interrupt(const Gil&, std::uint64_t id) {
  // The executor ends a request with the GIL held: what is started here stays so until the exception is set.
  if (inbox_.tell(id)) PyThreadState_SetAsyncExc(thread_, names().cancelled_type);
}

}  // namespace tandem::python
