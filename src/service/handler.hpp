// The one idea between socket and endpoint: a Handler turns a request into a response, at once or later. Router, split,
// wrappers and endpoints are all Handlers.
#pragma once

#include <utility>
#include <variant>

#include "base/task.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "service/call.hpp"

namespace tandem::service {

// A Response that is ready, or the Task that will make it: a synchronous endpoint pays for no coroutine frame.
class Outcome {
 public:
  Outcome(http::Response response) : state_(std::in_place_index<0>, std::move(response)) {}
  Outcome(Task<http::Response> task) : state_(std::in_place_index<1>, std::move(task)) {}

  bool ready() const { return state_.index() == 0; }
  http::Response& response() { return std::get<0>(state_); }
  Task<http::Response>& task() { return std::get<1>(state_); }

 private:
  std::variant<http::Response, Task<http::Response>> state_;
};

class Handler {
 public:
  virtual ~Handler() = default;

  // `request` and `call` outlive the outcome and its task. Const: many calls may be in progress at once, on any I/O thread;
  // one call stays on its own. Expected failures are responses; an exception is answered by the error boundary with 500.
  virtual Outcome handle(http::Request& request, Call& call) const = 0;

  // Do requests wait that it has not begun? Whatever can wait itself stands back then. Thread: any.
  virtual bool is_backed_up() const { return false; }
};

}  // namespace tandem::service
