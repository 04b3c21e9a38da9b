// What there is to see, as tables: pure functions of the news.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "top/news.hpp"

namespace tandem::top {

enum class View { routes, workers, experiments, differences, requests, stacks, audit };
constexpr std::array kViews{View::routes,   View::workers, View::experiments, View::differences,
                            View::requests, View::stacks,  View::audit};
std::string_view name_of(View view);

enum class Tone { plain, strong, dim, good, warn, bad };

struct Cell {
  Cell(std::string text_shown, Tone tone_shown = Tone::plain) : text(std::move(text_shown)), tone(tone_shown) {}
  Cell(const char* text_shown) : text(text_shown) {}
  // Sorted by the number, greatest first, and written to the right.
  Cell(double number, std::string text_shown, Tone tone_shown = Tone::plain)
      : text(std::move(text_shown)), tone(tone_shown), order(number), is_number(true) {}

  std::string text;
  Tone tone = Tone::plain;
  double order = 0;
  bool is_number = false;
};

struct Table {
  std::vector<Cell> heading;  // empty: rows of text
  std::vector<std::vector<Cell>> rows;
  std::string when_empty;
};

// Error: the documents are not what an admin side sends.
Result<Table> table_of(View view, const News& news);

// What must be asked for beside the events: name in the news, and path.
std::vector<std::pair<std::string, std::string>> pages_of(View view, const News& news);

// The server in a line or two: state, load, pools. Error as of table_of().
Result<std::vector<std::string>> summary_of(const News& news);

}  // namespace tandem::top
