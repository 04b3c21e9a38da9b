#include "loadgen/schedule.hpp"

#include <cmath>

namespace tandem::loadgen {

Schedule::Schedule(double rate, Arrivals arrivals, std::uint64_t seed) : rate_(rate), arrivals_(arrivals), random_(seed) {
  if (arrivals_ == Arrivals::poisson) advance();
}

// Gaps by inversion and not by std::exponential_distribution, which every library computes in its own way.
void Schedule::advance() {
  ++index_;
  if (arrivals_ == Arrivals::constant) {
    seconds_ = static_cast<double>(index_) / rate_;
  } else {
    const double uniform = (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53;  // 0 < u < 1
    seconds_ -= std::log(uniform) / rate_;
  }
  next_ = Nanoseconds(static_cast<Nanoseconds::rep>(seconds_ * 1e9));
}

}  // namespace tandem::loadgen
