#include "http/problem.hpp"

#include <nlohmann/json.hpp>

namespace tandem::http {

Response problem_response(const Problem& problem, std::string_view request_id) {
  nlohmann::ordered_json document;
  document["status"] = problem.status;
  document["title"] = problem.title.empty() ? std::string(reason_phrase(problem.status)) : problem.title;
  document["code"] = problem.code;
  if (!problem.detail.empty()) document["detail"] = problem.detail;
  if (!request_id.empty()) document["request_id"] = request_id;
  if (!problem.traceback.empty()) document["traceback"] = problem.traceback;
  Response response(problem.status, kProblemJson,
                    document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  if (problem.status == 503) response.headers.add("Retry-After", std::to_string(problem.retry_after_seconds));
  return response;
}

Problem problem_of(const Error& error) {
  if (error.code == "http.body_too_large") return Problem(413, error.code, error.message);
  if (error.code == "http.body_timeout") return Problem(408, error.code, error.message);
  if (error.code == "http.bad_chunk") return Problem(400, error.code, error.message);
  if (error.code == "http.headers_too_large") return Problem(431, error.code, error.message);  // trailers
  if (error.code == "client.gone") return Problem(499, error.code, error.message);  // for the access log: nobody reads it
  return Problem(500, error.code.empty() ? "server.error" : std::string_view(error.code), error.message);
}

void complete_problem(Response& problem, std::string_view request_id) {
  auto* body = std::get_if<std::string>(&problem.body);
  if (body == nullptr || request_id.empty()) return;
  auto document = nlohmann::ordered_json::parse(*body, nullptr, false);
  if (!document.is_object() || document.contains("request_id")) return;
  document["request_id"] = request_id;
  *body = document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace tandem::http
