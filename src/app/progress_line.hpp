// One line on a terminal that says how far a long command is; nothing where standard error is no terminal.
#pragma once

#include <string>

#include "base/clock.hpp"

namespace tandem::app {

class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // `share`: 0 … 1
  void show(const std::string& doing, double share, Nanoseconds left);
  void clear();

 private:
  bool is_terminal_;
  bool is_shown_ = false;
};

// "[######··············] 31 %  pair 3 of 8: py  1 min 20 s left", cut to so many columns.
std::string progress_text(const std::string& doing, double share, Nanoseconds left, std::size_t columns);

}  // namespace tandem::app
