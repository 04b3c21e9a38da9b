// When requests are sent: fixed before the first of them, so that no answer can move a later request. Constant gaps or a
// Poisson process; the same seed is the same schedule.
#pragma once

#include <cstdint>
#include <random>

#include "base/clock.hpp"

namespace tandem::loadgen {

enum class Arrivals : std::uint8_t { constant, poisson };

class Schedule {
 public:
  // `rate` > 0, in requests a second.
  Schedule(double rate, Arrivals arrivals, std::uint64_t seed);

  // The next intended moment, counted from the start. Never decreases.
  Nanoseconds next() const { return next_; }
  void advance();

 private:
  double rate_;
  Arrivals arrivals_;
  std::mt19937_64 random_;
  std::uint64_t index_ = 0;
  double seconds_ = 0;
  Nanoseconds next_{0};
};

}  // namespace tandem::loadgen
