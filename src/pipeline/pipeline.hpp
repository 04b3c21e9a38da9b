// What stands around every request: the error boundary, and the observer that counts and logs each exchange.
#pragma once

#include <atomic>
#include <memory>

#include "observe/access_log.hpp"
#include "observe/metrics.hpp"
#include "service/handler.hpp"
#include "service/observer.hpp"

namespace tandem::pipeline {

// Answers an exception of an endpoint with 500 and logs it; the server and other requests go on.
class ErrorBoundary final : public service::Handler {
 public:
  explicit ErrorBoundary(const service::Handler& next) : next_(next) {}
  service::Outcome handle(http::Request& request, service::Call& call) const override;

 private:
  const service::Handler& next_;
};

// Counts every exchange on its arm and writes it to the access log. Requests that no route took are counted under the route
// "".
class ExchangeObserver final : public service::Observer {
 public:
  // `access_log` may be null.
  ExchangeObserver(observe::Registry& registry, observe::AccessLog* access_log);
  void ended(const http::Request& request, const service::Call& call, const service::Ending& ending) const override;

 private:
  observe::ArmMetrics& unrouted_;
  observe::AccessLog* access_log_;
};

// "native", "python", …; "none" for answers of the server itself.
std::string_view format_backend(service::BackendKind kind);

}  // namespace tandem::pipeline
