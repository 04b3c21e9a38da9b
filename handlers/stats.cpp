#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "handlers/arguments.hpp"
#include "service/handler.hpp"

namespace tandem::handlers {
namespace {

std::optional<std::vector<double>> parse_numbers(std::string_view body) {
  // nlohmann skips a byte order mark and takes NUL for the end; neither is JSON (RFC 8259 §2, §8.1).
  if (body.starts_with("\xEF\xBB\xBF") || body.find('\0') != std::string_view::npos) return std::nullopt;
  const auto document = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!document.is_array() || document.empty()) return std::nullopt;
  std::vector<double> numbers;
  numbers.reserve(document.size());
  for (const auto& element : document) {
    if (!element.is_number()) return std::nullopt;
    numbers.push_back(element.get<double>());
  }
  return numbers;
}

// Nearest rank: the smallest number with at least `percent` of all at or below it.
double percentile(const std::vector<double>& sorted, std::size_t percent) {
  return sorted[(percent * sorted.size() + 99) / 100 - 1];
}

// As Python's repr() writes it: the shortest digits that read back as the same number, with an exponent below 1e-4 and from
// 1e16 on. nlohmann's own digits are not always the shortest.
std::string format_number(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const auto mark = text.find('e');
  const int exponent = (text[mark + 1] == '-' ? -1 : 1) * std::atoi(std::string(text.substr(mark + 2)).c_str());
  if (exponent < -4 || exponent >= 16) return std::string(text);  // both write at least two digits of exponent

  std::string digits;
  for (char c : text.substr(0, mark))
    if (c >= '0' && c <= '9') digits.push_back(c);
  const std::string sign = text.front() == '-' ? "-" : "";
  if (exponent < 0) return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

}  // namespace

http::Response stats(const http::Request& request) {
  auto numbers = parse_numbers(request.body_text());
  if (!numbers) return bad_argument("the body must be a JSON array of one or more finite numbers");

  // Plain sums from left to right, as in the Python endpoint, so that both round alike.
  const auto count = static_cast<double>(numbers->size());
  double sum = 0;
  for (double number : *numbers) sum += number;
  const double mean = sum / count;
  double squares = 0;
  for (double number : *numbers) squares += (number - mean) * (number - mean);
  const double deviation = std::sqrt(squares / count);
  if (!std::isfinite(mean) || !std::isfinite(deviation)) return bad_argument("the numbers are too large to add up");

  std::stable_sort(numbers->begin(), numbers->end());
  return http::json_text("{\"count\":" + std::to_string(numbers->size()) + ",\"mean\":" + format_number(mean) +
                         ",\"min\":" + format_number(numbers->front()) + ",\"max\":" + format_number(numbers->back()) +
                         ",\"stddev\":" + format_number(deviation) + ",\"p50\":" + format_number(percentile(*numbers, 50)) +
                         ",\"p95\":" + format_number(percentile(*numbers, 95)) + "}");
}

}  // namespace tandem::handlers
