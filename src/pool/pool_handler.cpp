#include "pool/pool_handler.hpp"

#include "http/problem.hpp"
#include "http/websocket_handshake.hpp"

namespace tandem::pool {

PoolHandler::PoolHandler(const std::vector<std::unique_ptr<LoopDispatch>>& loops, std::uint16_t endpoint,
                         const EndpointOptions& options, Milliseconds timeout)
    : loops_(loops), endpoint_(endpoint), stream_(options.stream), gathers_(options.kind != "function"), timeout_(timeout) {
  set_interface(options.kind);
}

void PoolHandler::set_interface(std::string_view interface) {
  kind_ = interface == "asgi"   ? service::BackendKind::asgi
          : interface == "wsgi" ? service::BackendKind::wsgi
                                : service::BackendKind::python;
}

service::Outcome PoolHandler::handle(http::Request& request, service::Call& call) const {
  call.backend = kind_;
  if (kind_ == service::BackendKind::asgi && http::asks_for_websocket(request)) {
    if (auto refusal = http::refuse_handshake(request, call.id())) return std::move(*refusal);
    return answer(request, call, true);
  }
  return stream_ && !is_short(*request.body) ? answer_streamed(request, call) : answer(request, call, false);
}

bool PoolHandler::is_short(http::RequestBody& body) const {
  if (const auto whole = body.buffered()) return whole->size() <= frames::kMaxBodyFrame;
  const auto length = body.content_length();
  return gathers_ && length && *length <= frames::kMaxBodyFrame;
}

Task<http::Response> PoolHandler::answer(http::Request& request, service::Call& call, bool websocket) const {
  auto body = request.body->buffered();
  if (!body) {
    auto whole = co_await request.body->read_all();
    if (!whole) co_return http::problem_response(http::problem_of(whole.error()), call.id());
    body = *whole;
  }
  Waiter waiter(*loops_[call.loop.index()], request, call);
  waiter.endpoint = endpoint_;
  waiter.timeout = timeout_;
  waiter.body = *body;
  waiter.websocket = websocket;
  waiter.home.submit(waiter);
  auto answered = waiter.answered();
  co_await answered;
  co_return std::move(*waiter.response);
}

Task<http::Response> PoolHandler::answer_streamed(http::Request& request, service::Call& call) const {
  Waiter waiter(*loops_[call.loop.index()], request, call);
  waiter.endpoint = endpoint_;
  waiter.timeout = timeout_;
  waiter.upload = std::make_unique<Upload>(waiter.home, *request.body);
  waiter.home.submit(waiter);
  if (!waiter.response) waiter.upload->start();
  auto answered = waiter.answered();
  co_await answered;
  co_return std::move(*waiter.response);
}

}  // namespace tandem::pool
