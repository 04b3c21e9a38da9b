#include "top/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <langinfo.h>
#include <clocale>
#include <cstdio>
#include <string>
#include <string_view>

#define NCURSES_NOMACROS
#include <curses.h>

namespace tandem::top {

namespace {

constexpr int kEscapeDelay = 25;  // ms, after which an escape is the key and no sequence

enum Pair : short { kGood = 1, kWarn, kBad };

attr_t attributes_of(const Span& span, bool has_colors) {
  const attr_t reversed = span.is_reversed ? A_REVERSE : A_NORMAL;
  const auto paint = [has_colors](Pair pair) { return has_colors ? static_cast<attr_t>(COLOR_PAIR(pair)) : A_NORMAL; };
  switch (span.tone) {
    case Tone::plain:
      return reversed;
    case Tone::strong:
      return reversed | A_BOLD;
    case Tone::dim:
      return reversed | A_DIM;
    case Tone::good:
      return reversed | paint(kGood);
    case Tone::warn:
      return reversed | paint(kWarn);
    case Tone::bad:
      return reversed | A_BOLD | paint(kBad);
  }
  return reversed;
}

Key key_of(int code) {
  using Kind = Key::Kind;
  switch (code) {
    case KEY_UP:
      return {Kind::up};
    case KEY_DOWN:
      return {Kind::down};
    case KEY_PPAGE:
      return {Kind::page_up};
    case KEY_NPAGE:
      return {Kind::page_down};
    case KEY_HOME:
      return {Kind::home};
    case KEY_END:
      return {Kind::end};
    case KEY_ENTER:
    case '\r':
    case '\n':
      return {Kind::enter};
    case KEY_BACKSPACE:
    case '\b':
    case 0x7F:
      return {Kind::backspace};
    case 0x1B:
      return {Kind::escape};
    default:
      return {Kind::character, code < 0x100 ? static_cast<char>(code) : '\0'};
  }
}

}  // namespace

Result<std::unique_ptr<Terminal>> Terminal::open(bool with_colors) {
  // Names of routes are UTF-8, whatever the locale.
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(::nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
  auto* const curses = ::newterm(nullptr, stdout, stdin);
  if (curses == nullptr)
    return Error("command.bad_terminal", "ncurses does not know this terminal: set TERM, or use --once");
  return std::unique_ptr<Terminal>(new Terminal(curses, with_colors));
}

Terminal::Terminal(void* curses, bool with_colors) : curses_(curses) {
  ::set_escdelay(kEscapeDelay);
  ::cbreak();
  ::noecho();
  ::nodelay(stdscr, true);
  ::keypad(stdscr, true);
  ::curs_set(0);
  has_colors_ = with_colors && ::has_colors() && ::start_color() == OK && ::use_default_colors() == OK;
  if (!has_colors_) return;
  ::init_pair(kGood, COLOR_GREEN, -1);
  ::init_pair(kWarn, COLOR_YELLOW, -1);
  ::init_pair(kBad, COLOR_RED, -1);
}

Terminal::~Terminal() {
  ::endwin();
  ::delscreen(static_cast<SCREEN*>(curses_));
}

Size Terminal::size() const {
  return {static_cast<std::size_t>(getmaxy(stdscr)), static_cast<std::size_t>(getmaxx(stdscr))};
}

void Terminal::take_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
    ::resizeterm(size.ws_row, size.ws_col);
}

void Terminal::draw(const Screen& screen) {
  ::erase();
  int row = 0;
  for (const auto& line : screen.lines) {
    ::move(row++, 0);
    for (const auto& span : line) {
      ::attrset(static_cast<int>(attributes_of(span, has_colors_)));
      ::addnstr(span.text.data(), static_cast<int>(span.text.size()));
    }
  }
  ::refresh();
}

std::optional<Key> Terminal::read() {
  int code = ::getch();
  while (code == KEY_RESIZE) code = ::getch();
  if (code == ERR) return std::nullopt;
  return key_of(code);
}

}  // namespace tandem::top
