// What the user has chosen to see, and how keys change that.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "top/tables.hpp"

namespace tandem::top {

struct Key {
  enum class Kind { character, up, down, page_up, page_down, home, end, enter, backspace, escape };
  Kind kind = Kind::character;
  char character = 0;  // ASCII, or a byte of UTF-8
};

struct Choices {
  View view = View::routes;
  std::array<std::optional<std::size_t>, kViews.size()> sorted_by{};  // column; nothing: as told
  bool is_reversed = false;
  std::string filter;  // rows that have it in a cell, in any case
  bool is_typing = false;
  bool is_helping = false;
  std::size_t first = 0;  // row shown at the top, if there are enough

  std::optional<std::size_t>& sort() { return sorted_by[static_cast<std::size_t>(view)]; }
  const std::optional<std::size_t>& sort() const { return sorted_by[static_cast<std::size_t>(view)]; }
};

// How much of the view there was when the key was pressed.
struct Extent {
  std::size_t columns = 0;
  std::size_t rows = 0;
  std::size_t page = 1;  // rows that fit on the screen

  std::size_t last_first() const { return rows > page ? rows - page : 0; }
};

// False: the user wants to leave.
bool press(Choices& choices, Key key, const Extent& extent);

}  // namespace tandem::top
