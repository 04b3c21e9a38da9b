// Do two arms give the same answer? Pure functions of two answers and the rules (experiments.md §5.8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "comparison/answer.hpp"
#include "comparison/rules.hpp"

namespace tandem::comparison {

enum class Kind : std::uint8_t { missing, extra, type, value, length, order, status, header, large, duplicate };
std::string_view name_of(Kind kind);

struct Difference {
  Kind kind = Kind::value;
  std::string path;     // "$.items[*].id", "header:content-type", "$" for the whole body
  std::string control;  // a short rendering of its value; redacted where the rules say so
  std::string candidate;
};

// At most so many of one pair are told.
inline constexpr std::size_t kMaxDifferences = 64;

// Empty: they agree. A different status is always the first and only one.
std::vector<Difference> compare(const Answer& control, const Answer& candidate, const Rules& rules);

// What an answer looks like, whatever its values: "200 $.items[*].id $.total", or "200 text/plain".
std::string shape_of(const Answer& answer);

}  // namespace tandem::comparison
