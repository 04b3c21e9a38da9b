#include "admin/admin_handler.hpp"

#include <string>

#include "admin/experiments_pages.hpp"
#include "admin/reply.hpp"
#include "admin/snapshot.hpp"
#include "http/problem.hpp"
#include "http/target.hpp"

namespace tandem::admin {

namespace {

constexpr std::string_view kMetricsText = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kLook = "GET, HEAD";

// What a page is made from.
struct Question {
  const ServerView& server;
  EventFeed& feed;
  const AccessRules& rules;
  const http::Request& request;
  service::Call& call;
};

service::Outcome health(const Question&) { return http::text("ok\n"); }

service::Outcome readiness(const Question& question) {
  const auto state = question.server.readiness();
  if (state == Readiness::ready) return http::text("ready\n");
  return http::problem_response(
      http::Problem(503, "admin.not_ready", "the server is " + std::string(format_readiness(state))), {});
}

service::Outcome metrics(const Question& question) {
  return http::Response(200, kMetricsText, question.server.registry->prometheus_text());
}
service::Outcome status(const Question& question) { return http::json_text(status_json(question.server)); }
service::Outcome routes(const Question& question) { return http::json_text(routes_json(question.server)); }
service::Outcome workers(const Question& question) { return http::json_text(workers_json(question.server)); }
service::Outcome events(const Question& question) { return question.feed.watch(question.call); }

WorkerFilter filter_of(const http::Request& request) {
  return {http::find_query(request.query, "pool"), http::find_query(request.query, "pid")};
}

bool wants_text(const http::Request& request) {
  const auto accept = request.headers.find(http::Field::accept);
  return accept.find("text/plain") != std::string_view::npos && accept.find("application/json") == std::string_view::npos;
}

Task<http::Response> tell_stacks(const ServerView& server, WorkerFilter filter, bool as_text, service::Call& call) {
  Reply<std::vector<StacksView>> reply(call, server.stacks);
  const auto pools = co_await reply;
  if (!pools) co_return http::Response(http::kClientGone);
  if (as_text) co_return http::text(stacks_text(*pools, filter));
  co_return http::json_text(stacks_json(*pools, filter));
}
service::Outcome stacks(const Question& question) {
  return tell_stacks(question.server, filter_of(question.request), wants_text(question.request), question.call);
}

Task<http::Response> tell_requests(const ServerView& server, WorkerFilter filter, service::Call& call) {
  Reply<std::vector<RequestsView>> reply(call, server.requests);
  const auto pools = co_await reply;
  if (!pools) co_return http::Response(http::kClientGone);
  co_return http::json_text(requests_json(*pools, filter));
}
service::Outcome requests(const Question& question) {
  return tell_requests(question.server, filter_of(question.request), question.call);
}

// A client that goes away leaves the reload running; the log says how it ended.
Task<http::Response> tell_reload(const ServerView& server, std::string by, service::Call& call) {
  Reply<ReloadReport> reply(call, [&server, by = std::move(by)](auto done) { server.reload(by, std::move(done)); });
  const auto report = co_await reply;
  if (!report) co_return http::Response(http::kClientGone);
  co_return reload_response(*report);
}
service::Outcome reload(const Question& question) {
  return tell_reload(question.server, question.rules.describe(question.request, question.call.peer), question.call);
}

enum class Access : std::uint8_t { open, token };
enum class Kind : std::uint8_t { look, change };

struct Page {
  std::string_view path;
  Access access;
  Kind kind;
  service::Outcome (*make)(const Question&);
};

// What orchestrators probe stays open; it tells nothing but up or down.
constexpr Page kPages[] = {
    {"/healthz", Access::open, Kind::look, health},        {"/readyz", Access::open, Kind::look, readiness},
    {"/metrics", Access::token, Kind::look, metrics},      {"/api/v1/status", Access::token, Kind::look, status},
    {"/api/v1/routes", Access::token, Kind::look, routes}, {"/api/v1/workers", Access::token, Kind::look, workers},
    {"/api/v1/stacks", Access::token, Kind::look, stacks}, {"/api/v1/requests", Access::token, Kind::look, requests},
    {"/api/v1/events", Access::token, Kind::look, events}, {"/api/v1/reload", Access::token, Kind::change, reload},
};

const Page* find_page(std::string_view path) {
  for (const auto& page : kPages)
    if (page.path == path) return &page;
  return nullptr;
}

bool has_method_of(const Page& page, const http::Request& request) {
  if (page.kind == Kind::change) return request.method == http::Method::post;
  return request.method == http::Method::get || request.method == http::Method::head;
}

// Is the method one of "GET, HEAD, PUT"?
bool is_listed(std::string_view allow, http::Method method) {
  const auto name = http::format_method(method);
  return !name.empty() && (", " + std::string(allow) + ",").find(" " + std::string(name) + ",") != std::string::npos;
}

service::Outcome wrong_method(std::string_view allow, const service::Call& call) {
  auto refusal = http::problem_response(http::Problem(405, "method.not_allowed"), call.id());
  refusal.headers.add("Allow", std::string(allow));
  return refusal;
}

void complete(http::Response& response, const service::Call& call) {
  http::add_request_id(response, call.id());
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Referrer-Policy", "no-referrer");
  // The dashboard's files and the report have their own.
  if (!response.headers.contains("Cache-Control")) response.headers.add("Cache-Control", "no-store");
  if (!response.headers.contains("Content-Security-Policy"))
    response.headers.add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
}

Task<http::Response> completed(Task<http::Response> task, const service::Call& call) {
  auto response = co_await task;
  complete(response, call);
  co_return response;
}

}  // namespace

service::Outcome AdminHandler::handle(http::Request& request, service::Call& call) const {
  auto outcome = answer(request, call);
  if (!outcome.ready()) return completed(std::move(outcome.task()), call);
  complete(outcome.response(), call);
  return outcome;
}

// Where a request comes from is looked at first, then its token, and only then whether such a page exists. The dashboard's
// files tell nothing of the server, and need no token: they ask for it.
service::Outcome AdminHandler::answer(const http::Request& request, service::Call& call) const {
  if (const auto problem = rules_.check_origin(request, call.peer)) return http::problem_response(*problem, call.id());
  if (auto file = find_dashboard_file(files_, request))
    return is_listed(kLook, request.method) ? std::move(*file) : wrong_method(kLook, call);
  const auto* page = find_page(request.path);
  auto experiments = page ? std::nullopt : find_experiments_page(request.path, request.method);
  if (page == nullptr || page->access == Access::token) {
    if (const auto problem = rules_.check_token(request)) {
      auto refusal = http::problem_response(*problem, call.id());
      if (problem->status == 401) refusal.headers.add("WWW-Authenticate", "Bearer realm=\"tandem\"");
      return refusal;
    }
  }
  if (experiments) {
    if (!is_listed(experiments->allow, request.method)) return wrong_method(experiments->allow, call);
    return answer_experiments(server_, std::move(*experiments), rules_.describe(request, call.peer), request, call);
  }
  if (page == nullptr)
    return http::problem_response(
        http::Problem(404, "route.not_found", "the admin side has no such page; docs/admin.md lists them"), call.id());
  if (!has_method_of(*page, request)) return wrong_method(page->kind == Kind::change ? "POST" : kLook, call);
  return page->make(Question{server_, feed_, rules_, request, call});
}

}  // namespace tandem::admin
