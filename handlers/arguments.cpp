#include "handlers/arguments.hpp"

#include "base/ascii.hpp"
#include "http/problem.hpp"

namespace tandem::handlers {

std::optional<std::uint64_t> parse_whole(std::string_view text, std::uint64_t low, std::uint64_t high) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (!ascii::is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value < low || value > high) return std::nullopt;
  return value;
}

http::Response bad_argument(std::string detail) {
  return http::problem_response(http::Problem(400, "endpoint.bad_argument", std::move(detail)), {});
}

http::Response not_whole(std::string_view name, std::uint64_t low, std::uint64_t high) {
  return bad_argument(std::string(name) + " must be a whole number from " + std::to_string(low) + " to " +
                      std::to_string(high));
}

}  // namespace tandem::handlers
