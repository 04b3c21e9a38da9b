#include "experiment/switchback.hpp"

#include <utility>

#include "experiment/murmur3.hpp"

namespace tandem::experiment {

Turn switchback_turn(const Layout& layout, std::string_view salt, Milliseconds block, Milliseconds washout,
                     std::chrono::system_clock::time_point now) {
  std::array<std::uint8_t, 256> order{};
  std::size_t count = 0;
  for (std::size_t arm = 0; arm < layout.weights_bp.size(); ++arm)
    if (layout.weights_bp[arm] > 0) order[count++] = static_cast<std::uint8_t>(arm);
  const auto since = std::chrono::duration_cast<Milliseconds>(now.time_since_epoch());
  const auto index = static_cast<std::uint64_t>(since / block);
  const KeyHash hash("switchback", salt);
  const auto round = std::to_string(index / count);
  for (std::size_t left = count; left > 1; --left) {  // Fisher and Yates
    const auto draw = (std::uint64_t{hash(round + "." + std::to_string(left))} * left) >> 32;
    std::swap(order[left - 1], order[draw]);
  }
  return {order[index % count], since % block < washout};
}

}  // namespace tandem::experiment
