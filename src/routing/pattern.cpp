#include "routing/pattern.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "http/target.hpp"

namespace tandem::routing {
namespace {

bool is_name(std::string_view name) {
  if (name.empty() || ascii::is_digit(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ascii::is_digit(c) || c == '_';
  });
}

Result<Segment> parse_segment(std::string_view text, bool is_last) {
  Segment segment;
  if (text == "*" || (text.size() >= 2 && text.front() == '{' && text.back() == '}')) {
    auto name = text == "*" ? std::string_view{} : text.substr(1, text.size() - 2);
    const bool is_rest = text == "*" || (!name.empty() && name.back() == '*');
    if (is_rest && text != "*") name.remove_suffix(1);
    if (text != "*" && !is_name(name))
      return Error("\"" + std::string(text) + "\" needs a name of letters, digits and underscores");
    if (is_rest && !is_last) return Error("\"" + std::string(text) + "\" takes the rest of the path and must come last");
    segment.kind = is_rest ? Segment::Kind::rest : Segment::Kind::param;
    segment.text = name;
    return segment;
  }
  if (text.find_first_of("{}*") != std::string_view::npos)
    return Error("\"" + std::string(text) + "\": a parameter takes a whole segment, as in /users/{id}");
  if (text.find_first_of("?#") != std::string_view::npos) return Error("a path holds no \"?\" and no \"#\"");
  auto decoded = http::percent_decode(text);
  if (!decoded) return Error("\"" + std::string(text) + "\": % must be followed by two hexadecimal digits");
  segment.text = std::move(*decoded);
  return segment;
}

}  // namespace

std::string Pattern::shape() const {
  std::string shape;
  for (const auto& segment : segments) {
    shape += '/';
    switch (segment.kind) {
      case Segment::Kind::literal:
        shape += "=" + segment.text;
        break;
      case Segment::Kind::param:
        shape += "{}";
        break;
      case Segment::Kind::rest:
        shape += "*";
        break;
    }
  }
  return shape;
}

Result<Pattern> parse_pattern(std::string_view path) {
  if (path.empty() || path.front() != '/') return Error("a path begins with \"/\"");
  Pattern pattern;
  pattern.text = path;
  auto rest = path.substr(1);
  while (true) {
    const auto slash = rest.find('/');
    const bool is_last = slash == std::string_view::npos;
    auto segment = parse_segment(rest.substr(0, slash), is_last);
    if (!segment) return segment.error();
    if (segment->kind != Segment::Kind::literal && !segment->text.empty())
      for (const auto& earlier : pattern.segments)
        if (earlier.kind != Segment::Kind::literal && earlier.text == segment->text)
          return Error("the name \"" + segment->text + "\" is used twice");
    pattern.segments.push_back(std::move(*segment));
    if (is_last) return pattern;
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace tandem::routing
