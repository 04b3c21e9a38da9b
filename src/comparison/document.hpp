// A JSON document as it was written: numbers keep their text, objects their order and their duplicate members.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tandem::comparison {

inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxNodes = 100'000;

struct Node {
  struct Member;
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  std::string text;  // of a number as written, of a string its value, of a boolean "true" or "false"
  std::vector<Node> elements;
  std::vector<Member> members;
  bool has_duplicates = false;  // a member's name is there twice

  // The last of that name, as JSON.parse has it; null: none.
  const Node* find(std::string_view name) const;
  bool is_integer() const;  // a number written without fraction and exponent
};

struct Node::Member {
  std::string name;
  Node value;
};

// Errors: "json.large" for more than kMaxNodes values, "json.invalid" for what is no JSON or is deeper than kMaxDepth.
Result<Node> parse_document(std::string_view text);

// Compact JSON of it, members sorted by name: equal for documents that differ in the order of members only.
std::string canonical(const Node& node);

}  // namespace tandem::comparison
