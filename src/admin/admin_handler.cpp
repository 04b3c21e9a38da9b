#include "admin/admin_handler.hpp"

#include <string>

#include "admin/snapshot.hpp"
#include "http/problem.hpp"

namespace tandem::admin {

namespace {

constexpr std::string_view kMetricsText = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kHtml = "text/html; charset=utf-8";

constexpr std::string_view kIndex = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Tandem</title>
<h1>Tandem's admin side</h1>
<p>There is no dashboard yet. This is what answers here:</p>
<ul>
<li><a href="/healthz">/healthz</a>: 200 while the server is alive</li>
<li><a href="/readyz">/readyz</a>: 200 while it takes traffic, 503 while it starts or drains</li>
<li><a href="/metrics">/metrics</a>: Prometheus text</li>
<li><a href="/api/v1/status">/api/v1/status</a>: version, uptime, pools, requests and latencies by arm</li>
<li><a href="/api/v1/routes">/api/v1/routes</a>: the route table</li>
<li><a href="/api/v1/workers">/api/v1/workers</a>: the workers of each pool</li>
</ul>
</html>
)";

http::Response health(const ServerView&) { return http::text("ok\n"); }

http::Response readiness(const ServerView& server) {
  const auto state = server.readiness();
  if (state == Readiness::ready) return http::text("ready\n");
  return http::problem_response(
      http::Problem(503, "admin.not_ready", "the server is " + std::string(format_readiness(state))), {});
}

http::Response metrics(const ServerView& server) { return {200, kMetricsText, server.registry->prometheus_text()}; }
http::Response status(const ServerView& server) { return http::json_text(status_json(server)); }
http::Response routes(const ServerView& server) { return http::json_text(routes_json(server)); }
http::Response workers(const ServerView& server) { return http::json_text(workers_json(server)); }
http::Response index(const ServerView&) { return {200, kHtml, kIndex}; }

enum class Access : std::uint8_t { open, token };

struct Page {
  std::string_view path;
  Access access;
  http::Response (*make)(const ServerView&);
};

// What orchestrators probe stays open; it tells nothing but up or down.
constexpr Page kPages[] = {
    {"/", Access::open, index},
    {"/healthz", Access::open, health},
    {"/readyz", Access::open, readiness},
    {"/metrics", Access::token, metrics},
    {"/api/v1/status", Access::token, status},
    {"/api/v1/routes", Access::token, routes},
    {"/api/v1/workers", Access::token, workers},
};

const Page* find_page(std::string_view path) {
  for (const auto& page : kPages)
    if (page.path == path) return &page;
  return nullptr;
}

}  // namespace

service::Outcome AdminHandler::handle(http::Request& request, service::Call& call) const {
  auto response = answer(request, call);
  http::add_request_id(response, call.id());
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  return response;
}

// Where a request comes from is looked at first, then its token, and only then whether such a page exists.
http::Response AdminHandler::answer(const http::Request& request, const service::Call& call) const {
  if (const auto problem = rules_.check_origin(request, call.peer)) return http::problem_response(*problem, call.id());
  const auto* page = find_page(request.path);
  if (page == nullptr || page->access == Access::token) {
    if (const auto problem = rules_.check_token(request)) {
      auto refusal = http::problem_response(*problem, call.id());
      if (problem->status == 401) refusal.headers.add("WWW-Authenticate", "Bearer realm=\"tandem\"");
      return refusal;
    }
  }
  if (page == nullptr)
    return http::problem_response(http::Problem(404, "route.not_found", "the admin side has no such page; / lists them"),
                                  call.id());
  if (request.method != http::Method::get && request.method != http::Method::head) {
    auto refusal = http::problem_response(http::Problem(405, "method.not_allowed"), call.id());
    refusal.headers.add("Allow", "GET, HEAD");
    return refusal;
  }
  return page->make(server_);
}

}  // namespace tandem::admin
