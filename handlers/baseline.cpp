#include <optional>
#include <string>

#include "handlers/arguments.hpp"
#include "http/target.hpp"
#include "service/handler.hpp"

namespace tandem::handlers {
namespace {

// At most fifteen digits, so that three of them can't overflow.
std::optional<std::int64_t> parse_term(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.size() > 15) return std::nullopt;
  const auto value = parse_whole(text, 0, 999'999'999'999'999);
  if (!value) return std::nullopt;
  return negative ? -static_cast<std::int64_t>(*value) : static_cast<std::int64_t>(*value);
}

http::Response bad_term(std::string_view name) {
  return bad_argument(std::string(name) + " must be a whole number of at most 15 digits");
}

std::string_view without_white_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

http::Response baseline(const http::Request& request) {
  std::int64_t sum = 0;
  for (const std::string_view name : {"a", "b"}) {
    const auto text = http::find_query(request.query, name);
    if (!text) continue;
    const auto term = parse_term(*text);
    if (!term) return bad_term(name);
    sum += *term;
  }
  if (const auto text = without_white_space(request.body_text()); !text.empty()) {
    const auto term = parse_term(text);
    if (!term) return bad_term("the body");
    sum += *term;
  }
  return http::text(std::to_string(sum));
}

}  // namespace tandem::handlers
