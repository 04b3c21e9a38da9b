#include "pool/pool_handler.hpp"

#include <algorithm>

#include "http/problem.hpp"

namespace tandem::pool {

PoolHandler::PoolHandler(const std::vector<std::unique_ptr<LoopDispatch>>& loops, std::uint16_t endpoint,
                         const EndpointOptions& options, Milliseconds timeout)
    : loops_(loops), endpoint_(endpoint), stream_(options.stream), timeout_(timeout) {
  set_interface(options.kind);
}

void PoolHandler::set_interface(std::string_view interface) {
  kind_ = interface == "asgi"   ? service::BackendKind::asgi
          : interface == "wsgi" ? service::BackendKind::wsgi
                                : service::BackendKind::python;
}

service::Outcome PoolHandler::handle(http::Request& request, service::Call& call) const {
  call.backend = kind_;
  return stream_ ? answer_streamed(request, call) : answer(request, call);
}

Task<http::Response> PoolHandler::answer(http::Request& request, service::Call& call) const {
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
  waiter.home.submit(waiter);
  auto answered = waiter.until(Waiter::Until::answered);
  co_await answered;
  co_return std::move(*waiter.response);
}

Task<http::Response> PoolHandler::answer_streamed(http::Request& request, service::Call& call) const {
  Waiter waiter(*loops_[call.loop.index()], request, call);
  waiter.endpoint = endpoint_;
  waiter.timeout = timeout_;
  // A short body that is here already travels with the head.
  const auto whole = request.body->buffered();
  if (whole && whole->size() <= frames::kMaxBodyFrame) {
    waiter.body = *whole;
  } else {
    waiter.streamed_request = true;
    waiter.credit = frames::kInitialCredit;
  }
  waiter.home.submit(waiter);
  if (waiter.streamed_request) co_await pump(request, waiter);
  auto answered = waiter.until(Waiter::Until::answered);
  co_await answered;
  co_return std::move(*waiter.response);
}

// Hands the body over as it arrives and the worker takes it; ends early when the worker has answered or is lost. The body is
// read by this coroutine alone, so an answer that comes meanwhile waits for the read under way.
Task<void> PoolHandler::pump(http::Request& request, Waiter& waiter) {
  auto sent = waiter.until(Waiter::Until::sent);
  co_await sent;
  while (waiter.job) {
    auto piece = co_await request.body->read();
    if (!waiter.job) co_return;
    if (!piece) {
      waiter.home.give_up(waiter, http::problem_response(http::problem_of(piece.error()), waiter.call.id()));
      co_return;
    }
    if (piece->empty()) {
      waiter.home.send_body(waiter, {}, true);
      co_return;
    }
    auto rest = *piece;
    while (!rest.empty()) {
      auto credit = waiter.until(Waiter::Until::credit);
      co_await credit;
      if (!waiter.job) co_return;
      const auto count = std::min(rest.size(), static_cast<std::size_t>(waiter.credit));
      waiter.home.send_body(waiter, rest.substr(0, count), false);
      rest.remove_prefix(count);
    }
  }
}

}  // namespace tandem::pool
