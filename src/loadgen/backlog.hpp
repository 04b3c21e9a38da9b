// Does a server keep up with what is due? Follows how many requests are open (due, and neither answered nor failed) and
// compares the fewest that were open at any moment of the first half of a block with the fewest of the second half. A server
// that does less than it is asked for leaves more and more open (Little 1961: open = rate · time), one that stands still for
// a while catches up, and one that is only slow has the same number open all the time. Answers that are counted when
// everything has been drained can't tell these apart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"

namespace tandem::loadgen {

class Backlog {
 public:
  // The measured part of a block.
  Backlog(TimePoint begin, Nanoseconds duration);

  // Of every request, those of the washout, too. Moments never decrease.
  void came(TimePoint now);
  void went(TimePoint now);
  // Nothing comes any more before this.
  void look(TimePoint now);

  // The share of what was due between the two moments at which the fewest were open that was also done between them, 0 … 1.
  // 1 as well when the growth may be chance (three deviations of Poisson counts), or no more than what is open anyhow at
  // this `rate` when even the `quickest` request takes so long.
  double kept_up(double rate, Nanoseconds quickest) const;

 private:
  struct Low {
    std::uint64_t open = 0;
    std::uint64_t due = 0;  // until then
  };

  std::array<TimePoint, 2> begins_;  // of the halves
  TimePoint end_;
  std::array<Low, 2> lows_{};
  std::size_t begun_ = 0;  // halves
  std::uint64_t open_ = 0;
  std::uint64_t due_ = 0;
};

}  // namespace tandem::loadgen
