// Places in a JSON document: "$.items[3].id", "$['a b']". Patterns of them have `[*]` for any element and `.**` for any
// number of members and elements, none included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tandem::comparison {

struct Step {
  enum class Kind : std::uint8_t { member, element, any_element, any_depth };
  Kind kind = Kind::member;
  std::string name;       // of a member
  std::size_t index = 0;  // of an element
};

class JsonPath {
 public:
  // Errors say what of the text is no path.
  static Result<JsonPath> parse(std::string_view text);

  bool matches(std::span<const Step> place) const;

 private:
  std::vector<Step> steps_;
};

inline constexpr std::size_t kMaxPlaceBytes = 300;

// "$.items[*].id": the place with its indices left out. One that is longer than kMaxPlaceBytes is cut there, with an
// ellipsis.
std::string format_place(std::span<const Step> place);

}  // namespace tandem::comparison
