#include "loadgen/backlog.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::loadgen {

Backlog::Backlog(TimePoint begin, Nanoseconds duration) : begins_{begin, begin + duration / 2}, end_(begin + duration) {}

// A half begins with what is open then.
void Backlog::look(TimePoint now) {
  for (; begun_ < begins_.size() && now >= begins_[begun_]; ++begun_) lows_[begun_] = {open_, due_};
}

void Backlog::came(TimePoint now) {
  look(now);
  ++open_;
  ++due_;
}

void Backlog::went(TimePoint now) {
  look(now);
  if (open_ > 0) --open_;
  if (begun_ == 0 || now >= end_) return;
  // The first such moment of the first half and the last of the second: the further apart, the surer.
  auto& low = lows_[begun_ - 1];
  if (open_ < low.open || (begun_ == 2 && open_ == low.open)) low = {open_, due_};
}

double Backlog::kept_up(double rate, Nanoseconds quickest) const {
  const auto due = static_cast<double>(lows_[1].due) - static_cast<double>(lows_[0].due);
  if (due <= 0) return 1;
  const auto first = static_cast<double>(lows_[0].open), second = static_cast<double>(lows_[1].open);
  const auto usual = std::max(first, rate * std::chrono::duration<double>(quickest).count());
  const auto growth = second - usual;
  if (growth <= 3 * std::sqrt(first + second + 1)) return 1;
  return std::max(0.0, 1 - growth / due);
}

}  // namespace tandem::loadgen
