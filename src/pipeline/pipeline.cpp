#include "pipeline/pipeline.hpp"

#include <exception>

#include "base/log.hpp"
#include "http/problem.hpp"
#include "measure/recorder.hpp"

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

namespace {

static_assert(static_cast<std::size_t>(service::AssignedBy::rollback) + 1 == observe::kAssignments &&
                  static_cast<int>(service::AssignedBy::fallback) == static_cast<int>(observe::AssignedBy::fallback),
              "the metrics' names are in the order of the trial's");

// What the exchange says of the arm that it was assigned to.
measure::Observation observe_trial(const service::Call& call, const service::Ending& ending,
                                   const observe::Exchange& exchange) {
  const auto& trial = call.trial;
  measure::Observation seen;
  seen.arm = trial.arm;
  seen.epoch = trial.epoch;
  seen.is_analysed = trial.is_analysed;
  seen.has_key = trial.has_key;
  seen.cluster = trial.cluster;
  seen.status = trial.fell_back ? trial.status : ending.status;
  seen.timed_out = seen.status == 504;
  seen.client_gone = ending.status == http::kClientGone;
  seen.fell_back = trial.fell_back;
  seen.total = exchange.total;
  seen.bytes_in = ending.body_bytes_received;
  seen.bytes_out = ending.body_bytes_sent;
  if (trial.fell_back) return seen;  // the call's stages are those of control, which answered
  seen.queue = call.queue_time;
  seen.gil = call.gil_time;
  seen.exec = exchange.stages[static_cast<std::size_t>(observe::Stage::handler)];
  seen.has_cpu = call.cpu_time.count() > 0;
  seen.cpu = call.cpu_time;
  return seen;
}

}  // namespace

ExchangeObserver::ExchangeObserver(observe::Registry& registry, observe::AccessLog* access_log)
    : unrouted_(registry.arm("", "", "none")), access_log_(access_log) {}

void ExchangeObserver::ended(const http::Request& request, const service::Call& call, const service::Ending& ending) const {
  observe::Exchange exchange;
  exchange.status = ending.status;
  exchange.assigned_by = static_cast<observe::AssignedBy>(call.trial.assigned_by);
  exchange.total = ending.status == 101 ? ending.upgrade : ending.total;  // how long people talk is no response time
  const bool is_native = call.backend == service::BackendKind::native;
  if (!call.is_cpu_sampled) exchange.cpu = call.cpu_time;
  exchange.stages = {call.queue_time, call.gil_time, is_native ? exchange.total : call.handler_time, ending.write};
  (call.metrics ? *call.metrics : unrouted_).record(call.loop.index(), exchange);
  if (call.afterwards) call.afterwards->answered(call);
  if (call.trial.recorder) call.trial.recorder->record(call.loop.index(), observe_trial(call, ending, exchange));
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
