// Counters that are hit often and emptied often: an array, and a list of those that are not zero, so that emptying costs
// what was hit and not what there is. Thread: one.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace tandem::measure {

template <std::size_t kSize>
class DenseCounts {
 public:
  static_assert(kSize <= 65536);

  void add(std::size_t place) {
    if (counts_[place]++ == 0) touched_[touched_count_++] = static_cast<std::uint16_t>(place);
  }

  // Calls visit(place, count) for each that is not zero, ascending, and sets it to zero.
  template <class Visit>
  void take(Visit visit) {
    std::sort(touched_.begin(), touched_.begin() + static_cast<std::ptrdiff_t>(touched_count_));
    for (std::size_t i = 0; i < touched_count_; ++i) {
      auto& count = counts_[touched_[i]];
      visit(std::size_t{touched_[i]}, std::uint64_t{count});
      count = 0;
    }
    touched_count_ = 0;
  }

 private:
  std::array<std::uint32_t, kSize> counts_{};
  std::array<std::uint16_t, kSize> touched_{};
  std::size_t touched_count_ = 0;
};

}  // namespace tandem::measure
