#include "app/development_gate.hpp"

#include <utility>

#include "base/random.hpp"
#include "http/problem.hpp"
#include "service/sleep.hpp"

namespace tandem::app {
namespace {

// How often those that wait look up, and how often at most.
constexpr Milliseconds kLook{10};
constexpr int kHeldLooks = 6000;
constexpr int kWatchLooks = 2500;

constexpr std::string_view kPage = "Tandem-Page";

http::Response not_yet(const service::Call& call) {
  return http::problem_response(http::Problem(503, "server.loading", "the application is still being loaded"), call.id());
}

}  // namespace

DevelopmentGate::DevelopmentGate(const service::Handler& next, std::string application)
    : next_(next), application_(std::move(application)) {
  auto first = std::make_shared<State>();
  first->number = random_bits() >> 1;  // pages of an earlier server are others
  state_ = std::move(first);
}

void DevelopmentGate::open() { enter(Kind::open, {}); }
void DevelopmentGate::hold() { enter(Kind::holding, {}); }
void DevelopmentGate::show(Failure failure) { enter(Kind::failed, std::move(failure)); }
void DevelopmentGate::stop() { stopping_ = true; }

void DevelopmentGate::enter(Kind kind, Failure failure) {
  auto next = std::make_shared<State>();
  next->kind = kind;
  next->failure = std::move(failure);
  const std::lock_guard lock(mutex_);
  next->number = state_->number + 1;
  state_ = std::move(next);
}

std::shared_ptr<const DevelopmentGate::State> DevelopmentGate::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

service::Outcome DevelopmentGate::handle(http::Request& request, service::Call& call) const {
  if (const auto number = request.headers.find(kPage); number.data() != nullptr) return watch(std::string(number), call);
  const auto now = state();
  if (now->kind == Kind::open) return next_.handle(request, call);
  if (now->kind == Kind::holding) return wait(request, call);
  return answer(*now, request, call);
}

// A page asks whether there is something else to see: answered when there is, or after a while with the page's own number.
Task<http::Response> DevelopmentGate::watch(std::string number, service::Call& call) const {
  for (int look = 0; look < kWatchLooks && !stopping_ && !call.cancelled; ++look) {
    if (std::to_string(state()->number) != number) break;
    service::sleep_for nap(call, kLook);
    co_await nap;
  }
  http::Response response(204);
  response.headers.add(kPage, std::to_string(state()->number));
  response.headers.add("Cache-Control", "no-store");
  co_return response;
}

Task<http::Response> DevelopmentGate::wait(http::Request& request, service::Call& call) const {
  auto now = state();
  for (int look = 0; look < kHeldLooks && now->kind == Kind::holding && !stopping_ && !call.cancelled; ++look) {
    service::sleep_for nap(call, kLook);
    co_await nap;
    now = state();
  }
  if (now->kind == Kind::holding) co_return not_yet(call);
  if (now->kind == Kind::failed) co_return answer(*now, request, call);
  auto outcome = next_.handle(request, call);
  if (outcome.ready()) co_return std::move(outcome.response());
  auto task = std::move(outcome.task());
  co_return co_await task;
}

http::Response DevelopmentGate::answer(const State& state, const http::Request& request, const service::Call& call) const {
  if (request.headers.find(http::Field::accept).find("text/html") == std::string_view::npos) {
    http::Problem problem(500, "python.load_failed", state.failure.summary);
    problem.traceback = state.failure.traceback;
    return http::problem_response(problem, call.id());
  }
  http::Response response(500, "text/html; charset=utf-8", format_for_browser(state.failure, application_, state.number));
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'");
  return response;
}

}  // namespace tandem::app
