#include "admin/experiments_pages.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "admin/reply.hpp"
#include "http/problem.hpp"
#include "http/target.hpp"

namespace tandem::admin {

namespace {

using Kind = ExperimentsRequest::Kind;

constexpr std::string_view kExperiments = "/api/v1/experiments";
constexpr std::string_view kAudit = "/api/v1/audit";
constexpr std::uint64_t kMaxBodyBytes = 64 * 1024;

constexpr std::string_view kLook = "GET, HEAD";

struct Part {
  std::string_view name;
  Kind kind;
  std::string_view allow;
};

// What stands behind an experiment's id.
constexpr Part kParts[] = {
    {"weights", Kind::change, "PATCH"}, {"start", Kind::change, "POST"},    {"pause", Kind::change, "POST"},
    {"resume", Kind::change, "POST"},   {"rollback", Kind::change, "POST"}, {"conclude", Kind::change, "POST"},
    {"advance", Kind::change, "POST"},  {"approve", Kind::change, "POST"},  {"report", Kind::report, kLook},
    {"state", Kind::state, kLook},      {"diffs", Kind::diffs, kLook},      {"explain", Kind::explain, kLook},
    {"gate", Kind::gate, kLook},
};

Task<http::Response> ask(const ServerView& server, ExperimentsRequest question, http::RequestBody& body,
                         service::Call& call) {
  if (question.kind == Kind::change) {
    if (!body.limit(kMaxBodyBytes)) co_return http::problem_response(http::Problem(413, "http.body_too_large"), {});
    auto reading = body.read_all();
    const auto text = co_await reading;
    if (!text) co_return http::problem_response(http::problem_of(text.error()), {});
    question.body = std::string(*text);
  }
  Reply<http::Response> reply(call, [&server, &question](auto done) { server.experiments(question, std::move(done)); });
  auto response = co_await reply;
  if (!response) co_return http::Response(http::kClientGone);
  co_return std::move(*response);
}

}  // namespace

std::optional<ExperimentsPage> find_experiments_page(std::string_view path, http::Method method) {
  if (path == kAudit) return ExperimentsPage{Kind::audit, "", "", kLook};
  if (path == kExperiments) return ExperimentsPage{Kind::list, "", "", kLook};
  if (!path.starts_with(kExperiments) || path[kExperiments.size()] != '/') return std::nullopt;
  path.remove_prefix(kExperiments.size() + 1);
  const auto slash = path.find('/');
  const auto id = http::percent_decode(path.substr(0, slash));
  if (!id || id->empty()) return std::nullopt;
  if (slash == std::string_view::npos) {
    if (method == http::Method::put) return ExperimentsPage{Kind::change, *id, "put", "GET, HEAD, PUT"};
    return ExperimentsPage{Kind::show, *id, "", "GET, HEAD, PUT"};
  }
  const auto* part = std::find_if(std::begin(kParts), std::end(kParts),
                                  [name = path.substr(slash + 1)](const Part& one) { return one.name == name; });
  if (part == std::end(kParts)) return std::nullopt;
  return ExperimentsPage{part->kind, *id, std::string(part->name), part->allow};
}

service::Outcome answer_experiments(const ServerView& server, ExperimentsPage page, std::string by,
                                    const http::Request& request, service::Call& call) {
  ExperimentsRequest question;
  question.kind = page.kind;
  question.id = std::move(page.id);
  question.action = std::move(page.action);
  question.query = request.query;
  question.if_match = request.headers.find("if-match");
  question.if_none_match = request.headers.find("if-none-match");
  question.by = std::move(by);
  return ask(server, std::move(question), *request.body, call);
}

}  // namespace tandem::admin
