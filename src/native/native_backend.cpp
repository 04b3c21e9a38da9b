#include "native/native_backend.hpp"

#include "http/problem.hpp"

namespace tandem::native {
namespace {

using service::Call;
using service::Outcome;

// The body that a buffered endpoint is owed: at once if it is here, else after reading it.
Task<http::Response> read_then_call(Function function, http::Request& request, Call& call) {
  auto body = co_await request.body->read_all();
  if (!body) co_return http::problem_response(http::problem_of(body.error()), call.id());
  co_return function(request);
}

Task<http::Response> read_then_await(Coroutine coroutine, http::Request& request, Call& call) {
  auto body = co_await request.body->read_all();
  if (!body) co_return http::problem_response(http::problem_of(body.error()), call.id());
  co_return co_await coroutine(request, call);
}

class FunctionEndpoint final : public service::Handler {
 public:
  explicit FunctionEndpoint(Function function) : function_(function) {}
  Outcome handle(http::Request& request, Call& call) const override {
    call.backend = service::BackendKind::native;
    if (request.body->buffered()) return function_(request);
    return read_then_call(function_, request, call);
  }

 private:
  Function function_;
};

class CoroutineEndpoint final : public service::Handler {
 public:
  CoroutineEndpoint(Coroutine coroutine, BodyMode body) : coroutine_(coroutine), body_(body) {}
  Outcome handle(http::Request& request, Call& call) const override {
    call.backend = service::BackendKind::native;
    if (body_ == BodyMode::streamed || request.body->buffered()) return coroutine_(request, call);
    return read_then_await(coroutine_, request, call);
  }

 private:
  Coroutine coroutine_;
  BodyMode body_;
};

}  // namespace

NativeBackend::NativeBackend(Catalog catalog) {
  for (const auto& entry : catalog) {
    if (const auto* function = std::get_if<Function>(&entry.endpoint))
      endpoints_.push_back({entry.name, std::make_unique<FunctionEndpoint>(*function)});
    else
      endpoints_.push_back(
          {entry.name, std::make_unique<CoroutineEndpoint>(std::get<Coroutine>(entry.endpoint), entry.body)});
  }
}

NativeBackend::~NativeBackend() = default;

Result<const service::Handler*> NativeBackend::find(std::string_view endpoint) const {
  std::string known;
  for (const auto& named : endpoints_) {
    if (named.name == endpoint) return static_cast<const service::Handler*>(named.handler.get());
    known += (known.empty() ? "" : ", ") + std::string(named.name);
  }
  return Error("native.not_found",
               "there is no native endpoint \"" + std::string(endpoint) + "\" (there are: " + known + ")");
}

}  // namespace tandem::native
