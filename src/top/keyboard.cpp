#include "top/keyboard.hpp"

#include <algorithm>

namespace tandem::top {

namespace {

void show(Choices& choices, std::size_t number) {
  choices.view = kViews[number % kViews.size()];
  choices.first = 0;
}

void type(Choices& choices, Key key) {
  auto& filter = choices.filter;
  if (key.kind == Key::Kind::character && static_cast<unsigned char>(key.character) >= ' ') filter += key.character;
  if (key.kind == Key::Kind::backspace && !filter.empty()) {
    // A whole character of UTF-8.
    while (filter.size() > 1 && (static_cast<unsigned char>(filter.back()) & 0xC0) == 0x80) filter.pop_back();
    filter.pop_back();
  }
  if (key.kind == Key::Kind::escape) filter.clear();
  if (key.kind == Key::Kind::escape || key.kind == Key::Kind::enter) choices.is_typing = false;
  choices.first = 0;
}

// Through all columns, and then as told.
void sort_by_next(Choices& choices, std::size_t columns) {
  auto& sort = choices.sort();
  sort = sort ? *sort + 1 : 0;
  if (*sort >= columns) sort.reset();
  choices.first = 0;
}

void scroll(Choices& choices, Key::Kind kind, const Extent& extent) {
  const auto last = extent.last_first();
  auto& first = choices.first;
  first = std::min(first, last);
  const auto page = std::max<std::size_t>(extent.page, 1);
  if (kind == Key::Kind::up) first -= std::min<std::size_t>(first, 1);
  if (kind == Key::Kind::down) ++first;
  if (kind == Key::Kind::page_up) first -= std::min(first, page);
  if (kind == Key::Kind::page_down) first += page;
  if (kind == Key::Kind::home) first = 0;
  if (kind == Key::Kind::end) first = last;
  first = std::min(first, last);
}

bool press_character(Choices& choices, char character, const Extent& extent) {
  const auto number = static_cast<std::size_t>(choices.view);
  if (character >= '1' && static_cast<std::size_t>(character - '1') < kViews.size())
    show(choices, static_cast<std::size_t>(character - '1'));
  switch (character) {
    case 'q':
      return false;
    case '\t':
      show(choices, number + 1);
      break;
    case '/':
      choices.is_typing = true;
      break;
    case 's':
      sort_by_next(choices, extent.columns);
      break;
    case 'r':
      choices.is_reversed = !choices.is_reversed;
      break;
    case 'j':
      scroll(choices, Key::Kind::down, extent);
      break;
    case 'k':
      scroll(choices, Key::Kind::up, extent);
      break;
    case 'h':
    case '?':
      choices.is_helping = true;
      break;
    default:
      break;
  }
  return true;
}

}  // namespace

bool press(Choices& choices, Key key, const Extent& extent) {
  if (choices.is_typing) {
    type(choices, key);
    return true;
  }
  const bool is_quit = key.kind == Key::Kind::character && key.character == 'q';
  if (choices.is_helping && !is_quit) {
    choices.is_helping = false;
    return true;
  }
  if (key.kind == Key::Kind::character) return press_character(choices, key.character, extent);
  if (key.kind == Key::Kind::escape) choices.filter.clear();
  scroll(choices, key.kind, extent);
  return true;
}

}  // namespace tandem::top
