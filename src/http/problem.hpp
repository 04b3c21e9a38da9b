// Errors that the server itself answers: application/problem+json (RFC 9457), in one shape everywhere. Each `code` has a
// paragraph in docs/errors.md.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/response.hpp"

namespace tandem::http {

inline constexpr std::string_view kProblemJson = "application/problem+json";

struct Problem {
  Problem(int status_code, std::string_view problem_code, std::string detail_text = {})
      : status(status_code), code(problem_code), detail(std::move(detail_text)) {}

  int status;
  std::string code;             // stable, such as "route.not_found"
  std::string title;            // empty: the status's reason phrase
  std::string detail;           // may be empty
  std::string traceback;        // shown only in debug mode; may be empty
  int retry_after_seconds = 1;  // sent with 503
};

// `request_id` may be empty. 503 carries Retry-After.
Response problem_response(const Problem& problem, std::string_view request_id);

// The answer to a body that could not be read (the codes of RequestBody::read); 500 for other errors.
Problem problem_of(const Error& error);

void complete_problem(Response& problem, std::string_view request_id);

// Puts the id into a problem that was made without one, by an endpoint that sees no Call. Leaves other responses alone, at
// the cost of a comparison.
inline void add_request_id(Response& response, std::string_view request_id) {
  if (response.content_type == kProblemJson) complete_problem(response, request_id);
}

}  // namespace tandem::http
