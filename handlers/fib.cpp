#include <nlohmann/json.hpp>
#include <utility>

#include "handlers/arguments.hpp"
#include "service/handler.hpp"

namespace tandem::handlers {

http::Response fib(const http::Request& request) {
  const auto n = parse_whole(request.path_param("n"), 0, 90);
  if (!n) return not_whole("n", 0, 90);
  std::uint64_t current = 0;
  std::uint64_t next = 1;
  for (std::uint64_t i = 0; i < *n; ++i) current = std::exchange(next, current + next);
  nlohmann::ordered_json document;
  document["n"] = *n;
  document["fib"] = current;
  return http::json_text(document.dump());
}

}  // namespace tandem::handlers
