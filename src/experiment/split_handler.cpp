#include "experiment/split_handler.hpp"

#include <limits>
#include <numeric>

#include "base/random.hpp"

namespace tandem::experiment {

SplitHandler::SplitHandler(std::vector<Arm> arms, PinRule pins) : arms_(std::move(arms)), pins_(std::move(pins)) {
  const double sum =
      std::accumulate(arms_.begin(), arms_.end(), 0.0, [](double total, const Arm& arm) { return total + arm.weight; });
  double cumulative = 0;
  for (std::size_t i = 0; i < arms_.size(); ++i) {
    cumulative += arms_[i].weight;
    if (arms_[i].weight > 0) last_weighted_ = i;
    const double share = cumulative / sum;
    thresholds_.push_back(share >= 1 ? std::numeric_limits<std::uint64_t>::max()
                                     : static_cast<std::uint64_t>(share * 0x1p64));
  }
}

const Arm& SplitHandler::pick(const http::Request& request, service::Call& call) const {
  const auto pin = request.headers.find(http::Field::tandem_arm);
  if (pin.data() != nullptr) {
    if (pins_.allows(request, call))
      for (const auto& arm : arms_)
        if (arm.name == pin) return arm;
    call.pin_denied = true;  // not allowed to, or no such arm
  }
  const auto draw = random_bits();
  for (std::size_t i = 0; i < last_weighted_; ++i)
    if (draw < thresholds_[i]) return arms_[i];
  return arms_[last_weighted_];  // the rest, whatever rounding left of it
}

service::Outcome SplitHandler::handle(http::Request& request, service::Call& call) const {
  const Arm& arm = pick(request, call);
  call.arm = arm.name;
  call.is_twin = true;
  call.metrics = arm.metrics;
  return arm.handler->handle(request, call);
}

}  // namespace tandem::experiment
