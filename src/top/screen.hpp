// News and choices as lines of a terminal: pure functions.
#pragma once

#include <string>
#include <vector>

#include "top/keyboard.hpp"

namespace tandem::top {

struct Span {
  std::string text;  // UTF-8 without control characters
  Tone tone = Tone::plain;
  bool is_reversed = false;
};
using Line = std::vector<Span>;

struct Size {
  std::size_t rows = 24;
  std::size_t columns = 80;
};

struct Screen {
  std::vector<Line> lines;  // no more than rows, each no longer than columns, counted in code points
  Extent extent;
};

// `url` is whom it asks; `now` tells for how long nothing has come.
Screen draw(const News& news, const Choices& choices, Size size, const std::string& url, TimePoint now);

// Routes, workers and experiments once, for a pipe or a file. Error: as of table_of().
Result<std::string> print(const News& news);

}  // namespace tandem::top
