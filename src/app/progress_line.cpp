#include "app/progress_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>

namespace tandem::app {

namespace {

constexpr std::size_t kBar = 20;

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string format_left(Nanoseconds left) {
  const auto seconds = std::max<long>(0, std::lround(std::chrono::duration<double>(left).count()));
  return (seconds >= 60 ? std::to_string(seconds / 60) + " min " : "") + std::to_string(seconds % 60) + " s left";
}

}  // namespace

std::string progress_text(const std::string& doing, double share, Nanoseconds left, std::size_t columns) {
  const auto done = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * kBar);
  auto text = "[" + std::string(done, '#') + std::string(kBar - done, '.') + "] " +
              std::to_string(static_cast<int>(std::clamp(share, 0.0, 1.0) * 100)) + " %  " + format_left(left) + "  " +
              doing;
  if (text.size() >= columns) text.resize(columns > 0 ? columns - 1 : 0);
  return text;
}

ProgressLine::ProgressLine() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(const std::string& doing, double share, Nanoseconds left) {
  if (!is_terminal_) return;
  is_shown_ = true;
  std::cerr << "\r\033[K" << progress_text(doing, share, left, terminal_columns()) << std::flush;
}

void ProgressLine::clear() {
  if (is_shown_) std::cerr << "\r\033[K" << std::flush;
  is_shown_ = false;
}

}  // namespace tandem::app
