#include "comparison/compare.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <unordered_map>

#include "base/utf8.hpp"
#include "comparison/document.hpp"

namespace tandem::comparison {
namespace {

constexpr std::size_t kMaxRendering = 200;
constexpr std::size_t kMaxPairwise = 256;  // elements of unordered arrays that are tried against each other
constexpr std::string_view kRedacted = "(redacted)";

std::string shortened(std::string text) {
  if (text.size() <= kMaxRendering) return text;
  text.resize(utf8_prefix(text, kMaxRendering).size());
  return text + "…";
}

// |a − b| of two integers as they are written: beyond 2⁵³ their doubles would be the same when they are not.
double distance(std::string_view a, std::string_view b) {
  const bool is_same_side = (a.front() == '-') == (b.front() == '-');
  if (!is_same_side)
    return std::abs(std::strtod(std::string(a).c_str(), nullptr) - std::strtod(std::string(b).c_str(), nullptr));
  if (a.front() == '-') {
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  if (a.size() < b.size() || (a.size() == b.size() && a < b)) std::swap(a, b);
  std::string digits(a);
  int borrowed = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    char& digit = digits[digits.size() - 1 - i];
    int left = digit - '0' - borrowed - (i < b.size() ? b[b.size() - 1 - i] - '0' : 0);
    borrowed = left < 0 ? 1 : 0;
    digit = static_cast<char>('0' + left + 10 * borrowed);
  }
  return std::strtod(digits.c_str(), nullptr);
}

bool is_null(const Node* node) { return node == nullptr || node->kind == Node::Kind::null; }

// Clients shape answers, and other pairs wait for the thread that compares them: so much is done for one pair, no more.
class Effort {
 public:
  // False once all is spent.
  bool take(std::size_t steps) {
    left_ -= std::min(left_, steps);
    return left_ > 0;
  }
  bool is_spent() const { return left_ == 0; }

 private:
  std::size_t left_ = 1'000'000;
};

class JsonComparison {
 public:
  JsonComparison(const Rules& rules, Effort& effort) : rules_(rules), effort_(effort) {}

  void compare(const Node& a, const Node& b) {
    if (full() || !effort_.take(1) || rules_.ignores(place_)) return;
    const bool is_scalar = a.kind < Node::Kind::array && b.kind < Node::Kind::array;
    if (is_scalar && !a.text.empty() && !b.text.empty() && rules_.masks(place_, a.text, b.text)) return;
    if (a.kind != b.kind) {
      add(Kind::type, &a, &b);
    } else if (a.kind == Node::Kind::object) {
      compare_objects(a, b);
    } else if (a.kind == Node::Kind::array) {
      compare_arrays(a, b);
    } else if (a.kind == Node::Kind::number ? !equal_numbers(a, b) : a.text != b.text) {
      add(Kind::value, &a, &b);
    }
  }

  std::vector<Difference> take() { return std::move(differences_); }

 private:
  // Does one comparison below the same place find anything?
  bool agree(const Node& a, const Node& b) const {
    JsonComparison inner(rules_, effort_);
    inner.place_ = place_;
    inner.compare(a, b);
    return inner.differences_.empty();
  }

  bool full() const { return differences_.size() == kMaxDifferences; }

  std::string text_of(const Node& node) const {
    constexpr std::size_t kBytesPerStep = 16;
    if (effort_.is_spent()) return {};
    auto text = canonical(node);
    effort_.take(1 + text.size() / kBytesPerStep);
    return text;
  }
  std::string rendered(const Node* node) const { return node == nullptr ? std::string() : shortened(text_of(*node)); }

  void add(Kind kind, const Node* a, const Node* b) {
    if (full()) return;
    const bool hidden = hides(a) || hides(b);
    differences_.push_back({kind, format_place(place_), hidden ? std::string(kRedacted) : rendered(a),
                            hidden ? std::string(kRedacted) : rendered(b)});
  }
  // Would showing it show something that is redacted here, above, or maybe below?
  bool hides(const Node* node) const {
    if (!rules_.redacts_something()) return false;
    for (std::size_t depth = 0; depth <= place_.size(); ++depth)
      if (rules_.redacts(std::span(place_).first(depth))) return true;
    return node != nullptr && node->kind >= Node::Kind::array;
  }

  void compare_objects(const Node& a, const Node& b) {
    if (a.has_duplicates || b.has_duplicates) add(Kind::duplicate, &a, &b);
    const auto members_of_a = by_name(a);
    auto left_of_b = by_name(b);
    for (const auto& [name, member] : a.members) {
      if (members_of_a.at(name) != &member) continue;  // a later one of that name counts
      const auto other = left_of_b.extract(name);
      compare_member(name, &member, other ? other.mapped() : nullptr);
    }
    for (const auto& [name, member] : b.members)
      if (const auto other = left_of_b.extract(name)) compare_member(name, nullptr, other.mapped());
  }

  static std::unordered_map<std::string_view, const Node*> by_name(const Node& object) {
    std::unordered_map<std::string_view, const Node*> members;
    for (const auto& [name, member] : object.members) members.insert_or_assign(name, &member);
    return members;
  }

  void compare_member(const std::string& name, const Node* a, const Node* b) {
    place_.push_back({Step::Kind::member, name, 0});
    if (a != nullptr && b != nullptr && !(rules_.settings().null_is_missing && is_null(a) != is_null(b)))
      compare(*a, *b);
    else if (!rules_.ignores(place_) && !(rules_.settings().null_is_missing && is_null(a) && is_null(b)))
      add_one_sided(a, b);
    place_.pop_back();
  }

  void add_one_sided(const Node* a, const Node* b) {
    const bool is_missing = rules_.settings().null_is_missing ? is_null(b) : b == nullptr;
    if (!is_missing && rules_.settings().extra_ok) return;
    add(is_missing ? Kind::missing : Kind::extra, a, b);
  }

  void compare_arrays(const Node& a, const Node& b) {
    if (const auto* field = rules_.key_of(place_)) return compare_by_key(a, b, *field);
    if (rules_.is_unordered(place_)) return compare_as_sets(a, b);
    const auto found = differences_.size();
    if (a.elements.size() != b.elements.size()) {
      Node length_a, length_b;
      length_a.kind = length_b.kind = Node::Kind::number;
      length_a.text = std::to_string(a.elements.size());
      length_b.text = std::to_string(b.elements.size());
      add(Kind::length, &length_a, &length_b);
    }
    for (std::size_t i = 0; i < std::min(a.elements.size(), b.elements.size()) && !full(); ++i) {
      place_.push_back({Step::Kind::element, {}, i});
      compare(a.elements[i], b.elements[i]);
      place_.pop_back();
    }
    if (differences_.size() > found && sorted_texts(a) == sorted_texts(b)) {
      differences_.resize(found);
      add(Kind::order, &a, &b);
    }
  }

  std::vector<std::string> sorted_texts(const Node& array) const {
    std::vector<std::string> texts;
    for (const auto& element : array.elements) texts.push_back(text_of(element));
    std::sort(texts.begin(), texts.end());
    return texts;
  }

  void compare_by_key(const Node& a, const Node& b, const std::string& field) {
    const auto by_key = [&](const Node& array) {
      std::map<std::string, std::vector<const Node*>> elements;
      for (const auto& element : array.elements) {
        const auto* key = element.kind == Node::Kind::object ? element.find(field) : nullptr;
        elements[key != nullptr ? text_of(*key) : std::string()].push_back(&element);
      }
      return elements;
    };
    const auto of_a = by_key(a);
    auto of_b = by_key(b);
    std::size_t index = 0;
    for (const auto& [key, elements] : of_a) {
      auto& others = of_b[key];
      for (std::size_t i = 0; i < std::max(elements.size(), others.size()); ++i)
        compare_element(index++, i < elements.size() ? elements[i] : nullptr, i < others.size() ? others[i] : nullptr);
      others.clear();
    }
    for (const auto& [key, elements] : of_b)
      for (const auto* element : elements) compare_element(index++, nullptr, element);
  }

  void compare_element(std::size_t index, const Node* a, const Node* b) {
    if (full()) return;
    place_.push_back({Step::Kind::element, {}, index});
    if (a != nullptr && b != nullptr)
      compare(*a, *b);
    else if (!rules_.ignores(place_) && (b == nullptr || !rules_.settings().extra_ok))
      add(b == nullptr ? Kind::missing : Kind::extra, a, b);
    place_.pop_back();
  }

  // First what is the same to the letter, then each that is left against each.
  void compare_as_sets(const Node& a, const Node& b) {
    std::map<std::string, std::vector<const Node*>> left_of_b;
    for (const auto& element : b.elements) left_of_b[text_of(element)].push_back(&element);
    std::vector<const Node*> only_a;
    for (const auto& element : a.elements) {
      const auto same = left_of_b.find(text_of(element));
      if (same == left_of_b.end() || same->second.empty())
        only_a.push_back(&element);
      else
        same->second.pop_back();
    }
    std::vector<const Node*> only_b;
    for (const auto& [text, elements] : left_of_b) only_b.insert(only_b.end(), elements.begin(), elements.end());
    place_.push_back({Step::Kind::element, {}, 0});
    if (only_a.size() <= kMaxPairwise && only_b.size() <= kMaxPairwise)
      std::erase_if(only_a, [&](const Node* element) {
        const auto same =
            std::find_if(only_b.begin(), only_b.end(), [&](const Node* other) { return agree(*element, *other); });
        if (same == only_b.end()) return false;
        only_b.erase(same);
        return true;
      });
    place_.pop_back();
    for (const auto* element : only_a) compare_element(0, element, nullptr);
    for (const auto* element : only_b) compare_element(0, nullptr, element);
  }

  bool equal_numbers(const Node& a, const Node& b) const {
    const double one = std::strtod(a.text.c_str(), nullptr), other = std::strtod(b.text.c_str(), nullptr);
    if (!a.is_integer() || !b.is_integer()) return rules_.are_near(one, other);
    return rules_.is_near(distance(a.text, b.text), std::max(std::abs(one), std::abs(other)));
  }

  const Rules& rules_;
  Effort& effort_;
  std::vector<Step> place_;
  std::vector<Difference> differences_;
};

std::string_view media_type(const Answer& answer) {
  const auto values = answer.values("content-type");
  if (values.empty()) return {};
  const auto type = values.front().substr(0, values.front().find(';'));
  return type.substr(0, type.find_last_not_of(' ') + 1);
}

bool is_json(std::string_view type) { return type == "application/json" || type.ends_with("+json"); }

// Of a cookie name and attributes, not the value, which is made anew each time.
std::string comparable(std::string_view name, std::string_view value) {
  if (name != "set-cookie") return std::string(value);
  const auto equals = value.find('=');
  const auto attributes = value.find(';');
  if (equals == std::string_view::npos || equals > attributes) return std::string(value);
  std::string text(value.substr(0, equals + 1));
  if (attributes != std::string_view::npos) text.append(value.substr(attributes));
  return text;
}

bool is_secret(std::string_view name) {
  return name == "authorization" || name == "cookie" || name == "proxy-authorization";
}

void compare_headers(const Answer& control, const Answer& candidate, const Rules& rules,
                     std::vector<Difference>& differences) {
  const auto joined = [](const Answer& answer, std::string_view name) {
    std::string text;
    for (const auto value : answer.values(name)) text.append(text.empty() ? "" : ", ").append(comparable(name, value));
    return text;
  };
  for (const auto& name : rules.settings().headers) {
    auto a = joined(control, name);
    auto b = joined(candidate, name);
    if (a == b) continue;
    if (is_secret(name)) a = b = kRedacted;
    differences.push_back({Kind::header, "header:" + name, shortened(std::move(a)), shortened(std::move(b))});
    if (differences.size() == kMaxDifferences) return;
  }
}

std::string printable(const std::string& body, const Rules& rules) {
  if (rules.redacts_something()) return std::string(kRedacted);
  std::string text = body.substr(0, kMaxRendering + 1);
  for (char& byte : text)
    if (static_cast<unsigned char>(byte) < 0x20 && byte != '\n' && byte != '\t') byte = '.';
  return shortened(std::move(text));
}

void compare_bodies(const Answer& control, const Answer& candidate, const Rules& rules,
                    std::vector<Difference>& differences) {
  if (control.body_bytes == candidate.body_bytes && control.rest_hash == candidate.rest_hash &&
      control.body == candidate.body)
    return;
  const auto add_large = [&] {
    differences.push_back(
        {Kind::large, "$", std::to_string(control.body_bytes) + " bytes", std::to_string(candidate.body_bytes) + " bytes"});
  };
  if (control.is_large() || candidate.is_large()) return add_large();
  const auto type = media_type(control);
  if (is_json(type) || is_json(media_type(candidate))) {
    const auto a = parse_document(control.body);
    const auto b = parse_document(candidate.body);
    const auto is_large = [](const Result<Node>& document) { return !document && document.error().code == "json.large"; };
    if (is_large(a) || is_large(b)) return add_large();
    if (a && b) {
      Effort effort;
      JsonComparison json(rules, effort);
      json.compare(*a, *b);
      if (effort.is_spent()) return add_large();
      for (auto& difference : json.take())
        if (differences.size() < kMaxDifferences) differences.push_back(std::move(difference));
      return;
    }
    if (a || b) {
      differences.push_back({Kind::type, "$", a ? "JSON" : a.error().message, b ? "JSON" : b.error().message});
      return;
    }
  }
  if (type.starts_with("text/") && rules.normalised(control.body) == rules.normalised(candidate.body)) return;
  differences.push_back({Kind::value, "$", printable(control.body, rules), printable(candidate.body, rules)});
}

// Of the first thousand members and elements that hold no others.
void collect_places(const Node& node, std::vector<Step>& place, std::set<std::string>& places, std::size_t& left) {
  if (left == 0) return;
  for (const auto& [name, member] : node.members) {
    place.push_back({Step::Kind::member, name, 0});
    collect_places(member, place, places, left);
    place.pop_back();
  }
  if (!node.elements.empty()) {
    place.push_back({Step::Kind::element, {}, 0});
    for (const auto& element : node.elements) collect_places(element, place, places, left);
    place.pop_back();
  }
  if (!node.members.empty() || !node.elements.empty()) return;
  places.insert(format_place(place));
  --left;
}

}  // namespace

std::string_view name_of(Kind kind) {
  constexpr std::string_view kNames[] = {"missing", "extra",  "type",   "value", "length",
                                         "order",   "status", "header", "large", "duplicate"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::vector<Difference> compare(const Answer& control, const Answer& candidate, const Rules& rules) {
  const bool same_status =
      rules.settings().by_class ? control.status / 100 == candidate.status / 100 : control.status == candidate.status;
  if (!same_status) return {{Kind::status, "status", std::to_string(control.status), std::to_string(candidate.status)}};
  std::vector<Difference> differences;
  compare_headers(control, candidate, rules, differences);
  compare_bodies(control, candidate, rules, differences);
  return differences;
}

std::string shape_of(const Answer& answer) {
  std::string shape = std::to_string(answer.status);
  const auto type = media_type(answer);
  const auto document = is_json(type) && !answer.is_large() ? parse_document(answer.body) : Error("not parsed");
  if (!document) return shape.append(" ").append(type.empty() ? "no body" : type);
  std::vector<Step> place;
  std::set<std::string> places;
  std::size_t left = 1000;
  collect_places(*document, place, places, left);
  for (const auto& each : places) shape.append(" ").append(each);
  return shape;
}

}  // namespace tandem::comparison
