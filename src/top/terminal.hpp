// The terminal that standard input and output are, through ncurses; as it was when this ends. One at a time.
// Thread: one.
#pragma once

#include <memory>
#include <optional>

#include "base/result.hpp"
#include "top/screen.hpp"

namespace tandem::top {

class Terminal {
 public:
  // Error: ncurses does not know the terminal (TERM).
  static Result<std::unique_ptr<Terminal>> open(bool with_colors);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  Size size() const;
  void take_size();  // after SIGWINCH
  void draw(const Screen& screen);
  // The next key that was pressed; nothing: none was.
  std::optional<Key> read();

 private:
  Terminal(void* curses, bool with_colors);

  void* const curses_;
  bool has_colors_ = false;
};

}  // namespace tandem::top
