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
  Response response(problem.status, "application/problem+json",
                    document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  if (problem.status == 503) response.headers.add("Retry-After", std::to_string(problem.retry_after_seconds));
  return response;
}

}  // namespace tandem::http
