#include "native/native_backend.hpp"

#include "base/ascii.hpp"
#include "http/problem.hpp"
#include "http/websocket_handshake.hpp"
#include "native/metered.hpp"
#include "service/cpu_piece.hpp"

namespace tandem::native {
namespace {

using service::Call;
using service::Outcome;

// The body that a buffered endpoint is owed: at once if it is here, else after reading it.
Task<http::Response> read_then_call(Function function, http::Request& request, Call& call) {
  auto body = co_await request.body->read_all();
  if (!body) co_return http::problem_response(http::problem_of(body.error()), call.id());
  const service::CpuPiece piece(call);
  co_return function(request);
}

Task<http::Response> read_then_await(Coroutine coroutine, http::Request& request, Call& call) {
  auto body = co_await request.body->read_all();
  if (!body) co_return http::problem_response(http::problem_of(body.error()), call.id());
  auto task = coroutine(request, call);
  if (call.trial.wants_cpu) task = run_metered(std::move(task), request, call);
  co_return co_await task;
}

class FunctionEndpoint final : public service::Handler {
 public:
  explicit FunctionEndpoint(Function function) : function_(function) {}
  Outcome handle(http::Request& request, Call& call) const override {
    call.backend = service::BackendKind::native;
    call.is_cpu_sampled = true;
    if (!request.body->buffered()) return read_then_call(function_, request, call);
    const service::CpuPiece piece(call);
    return function_(request);
  }

 private:
  Function function_;
};

class CoroutineEndpoint final : public service::Handler {
 public:
  CoroutineEndpoint(Coroutine coroutine, BodyMode body) : coroutine_(coroutine), body_(body) {}
  Outcome handle(http::Request& request, Call& call) const override {
    call.backend = service::BackendKind::native;
    call.is_cpu_sampled = true;
    if (body_ == BodyMode::buffered && !request.body->buffered()) return read_then_await(coroutine_, request, call);
    if (call.trial.wants_cpu) return run_metered(coroutine_(request, call), request, call);
    return coroutine_(request, call);
  }

 private:
  Coroutine coroutine_;
  BodyMode body_;
};

class Session final : public http::WebSocketSession {
 public:
  Session(WebSocketEndpoint endpoint, http::Request& request, Call& call)
      : endpoint_(endpoint), request_(request), call_(call) {}
  Task<void> run(http::WebSocket& socket) override { return endpoint_(request_, socket, call_); }

 private:
  WebSocketEndpoint endpoint_;
  http::Request& request_;
  Call& call_;
};

// The first of `spoken` that the client offers (RFC 6455 §4.2.2); empty: none.
std::string_view choose_subprotocol(std::string_view spoken, const http::Request& request) {
  std::string_view chosen;
  ascii::for_each_element(spoken, [&](std::string_view one) {
    for (const auto& field : request.headers) {
      if (!chosen.empty() || !ascii::equal_ignoring_case(field.name, "sec-websocket-protocol")) continue;
      ascii::for_each_element(field.value, [&](std::string_view offered) {
        if (offered == one) chosen = one;
      });
    }
  });
  return chosen;
}

class WebSocketHandler final : public service::Handler {
 public:
  WebSocketHandler(WebSocketEndpoint endpoint, std::string_view subprotocols)
      : endpoint_(endpoint), subprotocols_(subprotocols) {}
  Outcome handle(http::Request& request, Call& call) const override {
    call.backend = service::BackendKind::native;
    call.is_cpu_sampled = true;
    if (!http::asks_for_websocket(request)) return http::websocket_required(call.id());
    if (auto refusal = http::refuse_handshake(request, call.id())) return std::move(*refusal);
    http::Response response(101);
    response.body = std::make_unique<Session>(endpoint_, request, call);
    const auto subprotocol = choose_subprotocol(subprotocols_, request);
    if (!subprotocol.empty()) response.headers.add("Sec-WebSocket-Protocol", subprotocol);
    return response;
  }

 private:
  WebSocketEndpoint endpoint_;
  std::string_view subprotocols_;
};

std::unique_ptr<service::Handler> make_handler(const Entry& entry) {
  if (const auto* function = std::get_if<Function>(&entry.endpoint)) return std::make_unique<FunctionEndpoint>(*function);
  if (const auto* coroutine = std::get_if<Coroutine>(&entry.endpoint))
    return std::make_unique<CoroutineEndpoint>(*coroutine, entry.body);
  return std::make_unique<WebSocketHandler>(std::get<WebSocketEndpoint>(entry.endpoint), entry.subprotocols);
}

}  // namespace

NativeBackend::NativeBackend(Catalog catalog) {
  for (const auto& entry : catalog) endpoints_.push_back({entry.name, make_handler(entry)});
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
