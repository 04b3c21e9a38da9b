// A route's path: literal segments, `{name}` for one segment, a final `*` or `{name*}` for the rest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tandem::routing {

struct Segment {
  enum class Kind { literal, param, rest };
  Kind kind = Kind::literal;
  std::string text;  // percent-decoded literal, or the parameter's name (empty for a plain `*`)
};

struct Pattern {
  std::string text;  // as written
  std::vector<Segment> segments;

  bool ends_in_rest() const { return segments.back().kind == Segment::Kind::rest; }

  // The same for two patterns that match the same paths: parameter names left out.
  std::string shape() const;
};

// Errors say what is wrong with `path`: no leading slash, empty or repeated name, braces inside a segment, `*` not last.
Result<Pattern> parse_pattern(std::string_view path);

}  // namespace tandem::routing
