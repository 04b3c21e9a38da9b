// One request on the asynchronous executor: the coroutine that serves it, and what the executor tells it. A function's call
// and an ASGI connection are such requests. They live until their coroutine has ended, which may be later than the answer.
// Thread: the asynchronous executor's, with the GIL.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "python/exchange.hpp"
#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python {

class AsyncExecutor;

// Futures that coroutines await until something happens; one for each, since a cancelled task cancels what it awaits.
class Waiters {
 public:
  // A new future of `loop`; empty with a Python exception set.
  Object add(const Gil& gil, PyObject* loop);
  void wake(const Gil& gil);
  bool empty() const { return futures_.empty(); }

 private:
  void forget_finished(const Gil& gil);

  static constexpr std::size_t kFew = 8;
  std::vector<Object> futures_;
  std::size_t most_ = kFew;  // more than these are looked through for some that nobody awaits any more
};

class AsyncRequest {
 public:
  AsyncRequest(AsyncExecutor& executor, ExchangePtr exchange);
  virtual ~AsyncRequest() = default;
  AsyncRequest(const AsyncRequest&) = delete;
  AsyncRequest& operator=(const AsyncRequest&) = delete;

  // The front has sent something for it: body, credit, a message, a cancel.
  virtual void on_touched(const Gil& gil) = 0;
  // Its coroutine has returned `result`, or raised: then `result` is empty and the exception set. Gives the coroutine that
  // goes on in the same task; none: the executor lets go of the request.
  virtual Object on_done(const Gil& gil, Object result) = 0;
  // For a body stream's reader: something to await until more has come; empty with a Python exception set.
  virtual Object make_waiter(const Gil& gil) = 0;
  // The executor has let go of it; the object may be gone afterwards.
  virtual void discard() = 0;

  Exchange& exchange() const { return *exchange_; }
  const ExchangePtr& exchange_ptr() const { return exchange_; }
  AsyncExecutor& executor() const { return executor_; }

 protected:
  // Cancels the task, once.
  void cancel_task(const Gil& gil);

 private:
  friend class AsyncExecutor;

  AsyncExecutor& executor_;
  const ExchangePtr exchange_;
  // The executor's.
  Object task_;
  bool task_cancelled_ = false;
  AsyncRequest* previous_ = nullptr;
  AsyncRequest* next_ = nullptr;
};

}  // namespace tandem::python
