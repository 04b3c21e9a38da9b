#include "routing/router.hpp"

#include "http/problem.hpp"

namespace tandem::routing {
namespace {

http::Response refuse(const http::Request& request, const service::Call& call, const RouteTable& table, const Match& match) {
  const bool unknown_method = request.method == http::Method::other && !table.lists_method(request.method_text);
  if (unknown_method || request.method == http::Method::connect)
    return http::problem_response(
        http::Problem(501, "method.not_implemented",
                      "no route of this server knows the method " + std::string(request.method_text)),
        call.id());
  if (match.allow.empty())
    return http::problem_response(http::Problem(404, "route.not_found", "no route matches " + std::string(request.path)),
                                  call.id());
  if (match.options) {
    http::Response response(204);
    response.headers.add("Allow", match.allow);
    return response;
  }
  auto response =
      http::problem_response(http::Problem(405, "method.not_allowed", "this path answers " + match.allow), call.id());
  response.headers.add("Allow", match.allow);
  return response;
}

// The connection may have to wait for its client before it has written this one, and names route and arm at the end.
bool is_written_later(const http::Response& response) {
  return response.stream() != nullptr || response.session() != nullptr || response.body_text().size() > http::kBufferedBody;
}

}  // namespace

Router::Router(std::shared_ptr<const RouteTable> table, unsigned io_threads) : table_(std::move(table)), seen_(io_threads) {}

void Router::replace(std::shared_ptr<const RouteTable> table) {
  const std::lock_guard lock(mutex_);
  table_.swap(table);  // the old one is let go of without the mutex
  version_.fetch_add(1, std::memory_order_release);
}

const std::shared_ptr<const RouteTable>& Router::current(const Loop& loop) const {
  Seen& seen = seen_[loop.index()];
  const auto version = version_.load(std::memory_order_acquire);
  if (seen.version != version) {
    std::unique_lock lock(mutex_);
    auto table = table_;
    lock.unlock();
    seen.table = std::move(table);
    seen.version = version;
  }
  return seen.table;
}

service::Outcome Router::handle(http::Request& request, service::Call& call) const {
  const auto& table = current(call.loop);
  if (request.path == "*") {  // OPTIONS *: about the server as a whole (RFC 9110 §9.3.7)
    return http::Response(204);
  }
  const Match match = table->match(request);
  if (!match.route) return refuse(request, call, *table, match);
  call.route = match.route->name;
  if (!request.body->limit(match.route->body_bytes))
    return http::problem_response(
        http::Problem(413, "http.body_too_large",
                      "the body may have " + std::to_string(match.route->body_bytes) + " bytes here"),
        call.id());
  auto outcome = match.route->handler->handle(request, call);
  if (!outcome.ready() || is_written_later(outcome.response()) || call.afterwards) call.table = table;
  return outcome;
}

}  // namespace tandem::routing
