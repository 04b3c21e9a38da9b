#include "report/shares.hpp"

#include <algorithm>

namespace tandem::report {

std::optional<Shares> compared_shares(const measure::Epoch& epoch, std::size_t control, std::size_t candidate,
                                      bool is_matched) {
  const auto& weights = epoch.weights_bp;
  if (control >= weights.size() || candidate >= weights.size())
    return is_matched ? std::optional(Shares{1, 1}) : std::nullopt;
  Shares shares{weights[control], weights[candidate]};
  if (!is_matched) return shares;
  unsigned largest = 0;
  for (std::size_t arm = 0; arm < weights.size(); ++arm)
    if (arm != control) largest = std::max(largest, weights[arm]);
  shares.control = std::min(shares.control, largest);
  return shares;
}

}  // namespace tandem::report
