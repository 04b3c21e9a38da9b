#include "comparison/json_path.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace tandem::comparison {
namespace {

// Takes one step off the front of `text`; an error is what is wrong.
Result<Step> take_step(std::string_view& text) {
  if (text.substr(0, 3) == ".**") {
    text.remove_prefix(3);
    return Step{Step::Kind::any_depth, {}, 0};
  }
  if (text.front() == '.') {
    const auto name = text.substr(1, text.find_first_of(".[", 1) - 1);
    if (name.empty()) return Error("a name is missing after \".\"");
    text.remove_prefix(1 + name.size());
    return Step{Step::Kind::member, std::string(name), 0};
  }
  if (text.front() != '[') return Error("expected \".\" or \"[\" before \"" + std::string(text) + "\"");
  if (text.size() > 1 && (text[1] == '\'' || text[1] == '"')) {
    const auto end = text.find(text[1], 2);
    if (end == std::string_view::npos || end + 1 >= text.size() || text[end + 1] != ']')
      return Error("a \"[\" is not closed");
    const auto name = text.substr(2, end - 2);
    text.remove_prefix(end + 2);
    return Step{Step::Kind::member, std::string(name), 0};
  }
  const auto end = text.find(']');
  if (end == std::string_view::npos) return Error("a \"[\" is not closed");
  const auto inside = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  if (inside == "*") return Step{Step::Kind::any_element, {}, 0};
  Step step{Step::Kind::element, {}, 0};
  const auto [rest, error] = std::from_chars(inside.data(), inside.data() + inside.size(), step.index);
  if (error != std::errc() || rest != inside.data() + inside.size() || inside.empty())
    return Error("\"[" + std::string(inside) + "]\" is no index");
  return step;
}

bool match(std::span<const Step> pattern, std::span<const Step> place) {
  if (pattern.empty()) return place.empty();
  const auto& step = pattern.front();
  if (step.kind == Step::Kind::any_depth) {
    for (std::size_t skipped = 0; skipped <= place.size(); ++skipped)
      if (match(pattern.subspan(1), place.subspan(skipped))) return true;
    return false;
  }
  if (place.empty()) return false;
  const auto& here = place.front();
  const bool fits = step.kind == Step::Kind::member ? here.kind == Step::Kind::member && here.name == step.name
                                                    : here.kind == Step::Kind::element &&
                                                          (step.kind == Step::Kind::any_element || step.index == here.index);
  return fits && match(pattern.subspan(1), place.subspan(1));
}

bool is_plain(std::string_view name) { return !name.empty() && name.find_first_of(".['\"] ") == std::string_view::npos; }

}  // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  const auto wrong = [whole = std::string(text)](const std::string& why) {
    return Error("\"" + whole + "\" is no path: " + why);
  };
  if (text.empty() || text.front() != '$') return wrong("it begins with \"$\"");
  text.remove_prefix(1);
  JsonPath path;
  while (!text.empty()) {
    auto step = take_step(text);
    if (!step) return wrong(step.error().message);
    // Two in a row say no more than one, and would only take time.
    const bool repeats =
        step->kind == Step::Kind::any_depth && !path.steps_.empty() && path.steps_.back().kind == step->kind;
    if (!repeats) path.steps_.push_back(std::move(*step));
  }
  if (std::count_if(path.steps_.begin(), path.steps_.end(),
                    [](const Step& step) { return step.kind == Step::Kind::any_depth; }) > 3)
    return wrong("it has more than three \".**\"");
  return path;
}

bool JsonPath::matches(std::span<const Step> place) const { return match(steps_, place); }

std::string format_place(std::span<const Step> place) {
  std::string text = "$";
  for (const auto& step : place) {
    if (step.kind != Step::Kind::member)
      text += "[*]";
    else if (is_plain(step.name))
      text.append(".").append(step.name);
    else
      text.append("['").append(step.name).append("']");
  }
  return text;
}

}  // namespace tandem::comparison
