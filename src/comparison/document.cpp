#include "comparison/document.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tandem::comparison {
namespace {

using Json = nlohmann::json;

// Builds the nodes as nlohmann's parser comes past them.
class Builder final : public Json::json_sax_t {
 public:
  Node root;

  bool is_too_large() const { return nodes_ > kMaxNodes; }

  bool null() override { return put({}); }
  bool boolean(bool value) override { return put(scalar(Node::Kind::boolean, value ? "true" : "false")); }
  bool number_integer(number_integer_t value) override { return put(scalar(Node::Kind::number, std::to_string(value))); }
  bool number_unsigned(number_unsigned_t value) override { return put(scalar(Node::Kind::number, std::to_string(value))); }
  bool number_float(number_float_t, const string_t& text) override { return put(scalar(Node::Kind::number, text)); }
  bool string(string_t& value) override { return put(scalar(Node::Kind::string, std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Node::Kind::object); }
  bool end_object() override {
    auto& object = *open_.back();
    std::vector<std::string_view> names;
    for (const auto& member : object.members) names.push_back(member.name);
    std::sort(names.begin(), names.end());
    object.has_duplicates = std::adjacent_find(names.begin(), names.end()) != names.end();
    return close();
  }
  bool start_array(std::size_t) override { return open(Node::Kind::array); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    open_.back()->members.push_back({std::move(name), Node{}});
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  static Node scalar(Node::Kind kind, std::string text) {
    Node node;
    node.kind = kind;
    node.text = std::move(text);
    return node;
  }
  Node& place(Node node) {
    ++nodes_;
    if (open_.empty()) return root = std::move(node);
    auto& parent = *open_.back();
    if (parent.kind == Node::Kind::array) return parent.elements.emplace_back(std::move(node));
    return parent.members.back().value = std::move(node);
  }
  bool put(Node node) {
    place(std::move(node));
    return !is_too_large();
  }
  // While a node is open its parent grows no further, so the pointers hold.
  bool open(Node::Kind kind) {
    if (open_.size() == kMaxDepth) return false;
    Node node;
    node.kind = kind;
    open_.push_back(&place(std::move(node)));
    return !is_too_large();
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<Node*> open_;
  std::size_t nodes_ = 0;
};

void append_canonical(std::string& out, const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      out += "null";
      return;
    case Node::Kind::boolean:
    case Node::Kind::number:
      out += node.text;
      return;
    case Node::Kind::string:
      out += Json(node.text).dump(-1, ' ', false, Json::error_handler_t::replace);
      return;
    case Node::Kind::array:
      out += '[';
      for (const auto& element : node.elements) {
        if (&element != &node.elements.front()) out += ',';
        append_canonical(out, element);
      }
      out += ']';
      return;
    case Node::Kind::object:
      break;
  }
  std::vector<const Node::Member*> members;
  for (const auto& member : node.members) members.push_back(&member);
  std::stable_sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  out += '{';
  for (const auto* member : members) {
    if (member != members.front()) out += ',';
    out += Json(member->name).dump(-1, ' ', false, Json::error_handler_t::replace);
    out += ':';
    append_canonical(out, member->value);
  }
  out += '}';
}

}  // namespace

const Node* Node::find(std::string_view name) const {
  const auto found = std::find_if(members.rbegin(), members.rend(), [&](const auto& member) { return member.name == name; });
  return found == members.rend() ? nullptr : &found->value;
}

bool Node::is_integer() const { return kind == Kind::number && text.find_first_of(".eE") == std::string::npos; }

Result<Node> parse_document(std::string_view text) {
  Builder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    if (builder.is_too_large()) return Error("json.large", "more than " + std::to_string(kMaxNodes) + " values");
    return Error("json.invalid", "no JSON");
  }
  return std::move(builder.root);
}

std::string canonical(const Node& node) {
  std::string out;
  append_canonical(out, node);
  return out;
}

}  // namespace tandem::comparison
