#include "comparison/json_path.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/utf8.hpp"

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

bool fits(const Step& step, const Step& here) {
  if (step.kind == Step::Kind::member) return here.kind == Step::Kind::member && here.name == step.name;
  return here.kind == Step::Kind::element && (step.kind == Step::Kind::any_element || step.index == here.index);
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
    path.steps_.push_back(std::move(*step));
  }
  return path;
}

// As file name patterns are matched: only the last `.**` is ever tried anew, so the time is that of one length by the other.
bool JsonPath::matches(std::span<const Step> place) const {
  std::size_t step = 0;
  std::size_t here = 0;
  std::optional<std::size_t> after_any_depth;
  std::size_t skipped_to = 0;
  while (here < place.size()) {
    if (step < steps_.size() && steps_[step].kind == Step::Kind::any_depth) {
      after_any_depth = ++step;
      skipped_to = here;
    } else if (step < steps_.size() && fits(steps_[step], place[here])) {
      ++step;
      ++here;
    } else if (after_any_depth) {
      step = *after_any_depth;
      here = ++skipped_to;
    } else {
      return false;
    }
  }
  return std::all_of(steps_.begin() + static_cast<std::ptrdiff_t>(step), steps_.end(),
                     [](const Step& rest) { return rest.kind == Step::Kind::any_depth; });
}

std::string format_place(std::span<const Step> place) {
  std::string text = "$";
  for (const auto& step : place) {
    if (step.kind != Step::Kind::member)
      text += "[*]";
    else if (const auto name = utf8_prefix(step.name, kMaxPlaceBytes); is_plain(name))
      text.append(".").append(name);
    else
      text.append("['").append(name).append("']");
    if (text.size() > kMaxPlaceBytes) return std::string(utf8_prefix(text, kMaxPlaceBytes)) + "…";
  }
  return text;
}

}  // namespace tandem::comparison
