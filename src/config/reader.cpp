#include "config/reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "config/suggest.hpp"
#include "config/units.hpp"

namespace tandem::config {
namespace {

const Json kEmptyObject = Json::object();

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

std::string quoted_list(const std::vector<std::string>& words) {
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i)
    list += (i == 0 ? "\"" : i + 1 == words.size() ? " or \"" : ", \"") + words[i] + "\"";
  return list;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || end != text.data() + text.size() || error != std::errc()) return std::nullopt;
  return number;
}

std::string range(const std::string& min, const std::string& max) { return "from " + min + " to " + max; }

}  // namespace

Reader::Reader(Positions positions, const Environment& environment)
    : positions_(std::move(positions)), environment_(environment) {
  for (const auto& twice : positions_.duplicates)
    report(Place{twice.pointer, twice.second.line, twice.second.column},
           "this name is given twice, first in line " + std::to_string(twice.first.line));
}

Place Reader::place(std::string_view pointer) const {
  for (auto around = pointer;; around = around.substr(0, around.rfind('/'))) {
    if (const auto entry = positions_.entries.find(around); entry != positions_.entries.end())
      return {std::string(pointer), entry->second.value.line, entry->second.value.column};
    if (around.empty()) return {std::string(pointer), 0, 0};
  }
}

Place Reader::key_place(std::string_view pointer) const {
  const auto entry = positions_.entries.find(pointer);
  if (entry == positions_.entries.end()) return place(pointer);
  return {std::string(pointer), entry->second.key.line, entry->second.key.column};
}

std::vector<Problem> Reader::take_problems() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
  return std::exchange(problems_, {});
}

std::string Value::described() const {
  constexpr std::size_t kLongestText = 60;
  if (json_->is_object()) return "an object";
  if (json_->is_array()) return "an array";
  auto text = json_->dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() <= kLongestText ? text : json_->is_string() ? "a long string" : "a long number";
}

std::optional<std::string> Value::text() const {
  if (!json_->is_string()) {
    report_expected("a string");
    return std::nullopt;
  }
  auto expanded = expand(json_->get_ref<const std::string&>(), reader_->environment());
  if (!expanded) {
    report(expanded.error().message);
    return std::nullopt;
  }
  if (std::any_of(expanded->begin(), expanded->end(), is_control)) {
    report("the string holds a control character");
    return std::nullopt;
  }
  return std::move(*expanded);
}

bool Value::has_reference() const {
  return json_->is_string() && json_->get_ref<const std::string&>().find("${") != std::string::npos;
}

std::optional<bool> Value::boolean() const {
  if (json_->is_boolean()) return json_->get<bool>();
  if (has_reference()) {
    const auto written = text();
    if (!written) return std::nullopt;
    if (*written == "true" || *written == "false") return *written == "true";
  }
  report_expected("true or false");
  return std::nullopt;
}

std::optional<std::uint64_t> Value::integer(std::uint64_t min, std::uint64_t max, std::string_view what) const {
  std::optional<std::uint64_t> number;
  if (json_->is_number_unsigned()) number = json_->get<std::uint64_t>();
  if (has_reference()) {
    const auto written = text();
    if (!written) return std::nullopt;
    number = parse_number<std::uint64_t>(*written);
  }
  if (number && *number >= min && *number <= max) return number;
  report_expected(std::string(what) + " " + range(std::to_string(min), std::to_string(max)));
  return std::nullopt;
}

std::optional<double> Value::weight() const { return number(0, std::numeric_limits<double>::max(), "a number ≥ 0"); }

std::optional<double> Value::number(double min, double max, std::string_view what) const {
  std::optional<double> number;
  if (json_->is_number()) number = json_->get<double>();
  if (has_reference()) {
    const auto written = text();
    if (!written) return std::nullopt;
    number = parse_number<double>(*written);
  }
  if (number && std::isfinite(*number) && *number >= min && *number <= max) return number;
  report_expected(what);
  return std::nullopt;
}

std::optional<Milliseconds> Value::duration(Milliseconds min, Milliseconds max) const {
  if (!json_->is_string()) {
    std::string hint;
    if (json_->is_number_unsigned()) hint = " (did you mean \"" + json_->dump() + "s\" or \"" + json_->dump() + "ms\"?)";
    report("expected a duration such as \"30s\", got " + described() + hint);
    return std::nullopt;
  }
  const auto written = text();
  if (!written) return std::nullopt;
  const auto parsed = parse_duration(*written);
  if (!parsed) {
    report(parsed.error().message);
    return std::nullopt;
  }
  if (*parsed >= min && *parsed <= max) return *parsed;
  report("expected a duration " + range(format_duration(min), format_duration(max)) + ", got \"" + *written + "\"");
  return std::nullopt;
}

std::optional<std::uint64_t> Value::size(std::uint64_t min, std::uint64_t max) const {
  std::optional<std::uint64_t> bytes;
  if (json_->is_number_unsigned()) {
    bytes = json_->get<std::uint64_t>();
  } else if (json_->is_string()) {
    const auto written = text();
    if (!written) return std::nullopt;
    const auto parsed = parse_size(*written);
    if (!parsed) {
      report(parsed.error().message);
      return std::nullopt;
    }
    bytes = *parsed;
  } else {
    report_expected("a size such as \"64KiB\" or a number of bytes");
    return std::nullopt;
  }
  if (*bytes >= min && *bytes <= max) return bytes;
  report_expected("a size " + range(format_size(min), format_size(max)));
  return std::nullopt;
}

std::vector<Value> Value::elements() const {
  std::vector<Value> elements;
  if (!json_->is_array()) {
    report_expected("an array");
    return elements;
  }
  for (std::size_t i = 0; i < json_->size(); ++i)
    elements.emplace_back(*reader_, (*json_)[i], pointer_ + "/" + std::to_string(i));
  return elements;
}

std::vector<std::pair<std::string, Value>> Value::members() const {
  std::vector<std::pair<std::string, Value>> members;
  if (!json_->is_object()) {
    report_expected("an object");
    return members;
  }
  for (const auto& [name, json] : json_->items())
    members.emplace_back(name, Value(*reader_, json, child_pointer(pointer_, name)));
  return members;
}

std::vector<std::string> Value::texts() const {
  std::vector<std::string> texts;
  for (const auto& element : elements())
    if (auto text = element.text()) texts.push_back(std::move(*text));
  return texts;
}

Object::Object(const Value& value, std::string_view kind) : value_(value), kind_(kind) {
  if (value.is_object()) return;
  value.report_expected("an object");
  value_ = Value(value.reader(), kEmptyObject, value.pointer());
}

std::optional<Value> Object::find(std::string_view key) {
  known_.emplace_back(key);
  reader().know(kind_, key);
  const auto member = value_.json().find(std::string(key));
  if (member == value_.json().end()) return std::nullopt;
  return Value(reader(), *member, child_pointer(pointer(), key));
}

Object Object::section(std::string_view key, std::string_view kind) {
  const auto value = find(key);
  return Object(value ? *value : Value(reader(), kEmptyObject, child_pointer(pointer(), key)), kind);
}

void Object::text(std::string_view key, std::string& target) {
  if (const auto value = find(key))
    if (auto text = value->text()) target = std::move(*text);
}

void Object::boolean(std::string_view key, bool& target) {
  if (const auto value = find(key))
    if (const auto boolean = value->boolean()) target = *boolean;
}

void Object::duration(std::string_view key, Milliseconds& target, Milliseconds min, Milliseconds max) {
  if (const auto value = find(key))
    if (const auto duration = value->duration(min, max)) target = *duration;
}

void Object::size(std::string_view key, std::uint64_t& target, std::uint64_t min, std::uint64_t max) {
  if (const auto value = find(key))
    if (const auto size = value->size(min, max)) target = *size;
}

void Object::number(std::string_view key, double& target, double min, double max, std::string_view what) {
  if (const auto value = find(key))
    if (const auto number = value->number(min, max, what)) target = *number;
}

std::optional<std::size_t> Object::one_of(const Value& value, const std::vector<std::string>& names) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  const auto found = std::find(names.begin(), names.end(), *text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  value.report("expected " + quoted_list(names) + ", got \"" + *text + "\"" + did_you_mean(*text, names));
  return std::nullopt;
}

void Object::refuse(std::string_view key, std::string message) {
  if (!value_.json().contains(std::string(key))) return;
  refused_.emplace_back(key);
  reader().report(reader().key_place(child_pointer(pointer(), key)), std::move(message));
}

bool Object::close() {
  bool all_known = true;
  const auto is_in = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const auto& [name, json] : value_.json().items()) {
    if (is_in(known_, name) || is_in(refused_, name)) continue;
    const auto where = pointer().empty() ? std::string("at the top of the file") : "in " + pointer();
    reader().report(reader().key_place(child_pointer(pointer(), name)),
                    "there is no such key " + where + did_you_mean(name, known_));
    all_known = false;
  }
  return all_known;
}

}  // namespace tandem::config
