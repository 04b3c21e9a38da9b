#include <nlohmann/json.hpp>

#include "http/problem.hpp"
#include "service/handler.hpp"

namespace tandem::handlers {

// Holds one piece of the body at a time, however long the body is.
Task<http::Response> upload(http::Request& request, service::Call& call) {
  std::uint64_t received = 0;
  for (;;) {
    auto piece = co_await request.body->read();
    if (!piece) co_return http::problem_response(http::problem_of(piece.error()), call.id());
    if (piece->empty()) break;
    received += piece->size();
  }
  nlohmann::ordered_json document;
  document["bytes"] = received;
  co_return http::json_text(document.dump());
}

}  // namespace tandem::handlers
