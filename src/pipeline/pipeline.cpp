#include "pipeline/pipeline.hpp"

#include <exception>

#include "base/log.hpp"
#include "http/problem.hpp"

namespace tandem::pipeline {
namespace {

http::Response internal_error(const service::Call& call, std::exception_ptr error) {
  std::string what = "unknown exception";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    what = known.what();
  } catch (...) {
  }
  log().error("[{}] route {} arm {}: {}", call.id(), call.route, call.arm, what);
  http::Problem problem(500, "native.exception", "the endpoint failed");
  if (call.debug) problem.detail = what;
  return http::problem_response(problem, call.id());
}

Task<http::Response> guarded(Task<http::Response> task, service::Call& call) {
  std::exception_ptr error;
  try {
    auto response = co_await task;
    http::add_request_id(response, call.id());
    co_return response;
  } catch (...) {
    error = std::current_exception();
  }
  co_return internal_error(call, error);
}

}  // namespace

service::Outcome ErrorBoundary::handle(http::Request& request, service::Call& call) const {
  try {
    auto outcome = next_.handle(request, call);
    if (outcome.ready()) {
      http::add_request_id(outcome.response(), call.id());
      return outcome;
    }
    return guarded(std::move(outcome.task()), call);
  } catch (...) {
    return internal_error(call, std::current_exception());
  }
}

ExchangeObserver::ExchangeObserver(observe::Registry& registry, observe::AccessLog* access_log)
    : unrouted_(registry.arm("", "", "none")), access_log_(access_log) {}

void ExchangeObserver::ended(const http::Request& request, const service::Call& call, const service::Ending& ending) const {
  observe::Exchange exchange;
  exchange.status = ending.status;
  exchange.total = ending.status == 101 ? ending.upgrade : ending.total;  // how long people talk is no response time
  exchange.cpu = call.cpu_time;
  const bool is_native = call.backend == service::BackendKind::native;
  exchange.stages = {call.queue_time, call.gil_time, is_native ? exchange.total : call.handler_time, ending.write};
  (call.metrics ? *call.metrics : unrouted_).record(call.loop.index(), exchange);
  if (!access_log_) return;
  observe::AccessRecord record;
  record.client = call.client->address;
  record.method = request.method_text;
  record.target = request.target;
  record.route = call.route;
  record.arm = call.arm;
  record.backend = format_backend(call.backend);
  record.request_id = call.id();
  record.user_agent = request.headers.find(http::Field::user_agent);
  record.status = ending.status;
  record.version = static_cast<std::uint8_t>(request.version);
  record.body_bytes_sent = ending.body_bytes_sent;
  record.body_bytes_received = ending.body_bytes_received;
  record.total = ending.total;
  record.queue = call.queue_time;
  record.handler = call.handler_time;
  access_log_->write(call.loop.index(), record);
}

std::string_view format_backend(service::BackendKind kind) {
  switch (kind) {
    case service::BackendKind::native:
      return "native";
    case service::BackendKind::python:
      return "python";
    case service::BackendKind::asgi:
      return "asgi";
    case service::BackendKind::wsgi:
      return "wsgi";
    case service::BackendKind::none:
      break;
  }
  return "none";
}

}  // namespace tandem::pipeline
