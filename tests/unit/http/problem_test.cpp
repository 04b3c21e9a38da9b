#include "http/problem.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tandem::http {
namespace {

TEST(Problem, HasTheFieldsInOneOrder) {
  const auto response = problem_response(Problem(404, "route.not_found", "no \"such\" path"), "id-1");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, kProblemJson);
  EXPECT_EQ(response.body_text(),
            "{\"status\":404,\"title\":\"Not Found\",\"code\":\"route.not_found\",\"detail\":\"no \\\"such\\\" path\","
            "\"request_id\":\"id-1\"}\n");
}

TEST(Problem, SaysWhenToComeBackWith503Only) {
  Problem full(503, "overload.queue_full");
  full.retry_after_seconds = 7;
  EXPECT_EQ(problem_response(full, "").headers.find("Retry-After"), "7");
  EXPECT_FALSE(problem_response(Problem(500, "x"), "").headers.contains("Retry-After"));
}

TEST(Problem, OfABodyThatCouldNotBeRead) {
  EXPECT_EQ(problem_of(Error("http.body_too_large", "m")).status, 413);
  EXPECT_EQ(problem_of(Error("http.body_timeout", "m")).status, 408);
  EXPECT_EQ(problem_of(Error("http.bad_chunk", "m")).status, 400);
  EXPECT_EQ(problem_of(Error("http.headers_too_large", "m")).status, 431);
  EXPECT_EQ(problem_of(Error("anything.else", "m")).status, 500);
  EXPECT_EQ(problem_of(Error("http.bad_chunk", "m")).detail, "m");
  EXPECT_EQ(problem_of(Error("no code")).code, "server.error");
}

TEST(AddRequestId, CompletesAProblemThatHasNone) {
  auto without = problem_response(Problem(400, "endpoint.bad_argument", "n is wrong"), "");
  add_request_id(without, "id-2");
  EXPECT_EQ(without.body_text(), problem_response(Problem(400, "endpoint.bad_argument", "n is wrong"), "id-2").body_text());
  add_request_id(without, "id-3");
  EXPECT_EQ(nlohmann::json::parse(without.body_text())["request_id"], "id-2");
}

TEST(AddRequestId, LeavesOtherResponsesAlone) {
  auto response = json_text("{\"status\":400}");
  add_request_id(response, "id");
  EXPECT_EQ(response.body_text(), "{\"status\":400}");
}

}  // namespace
}  // namespace tandem::http
