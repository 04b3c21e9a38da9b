#include "statistics/multiplicity.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tandem::statistics {

double report_alpha(bool is_primary, std::size_t secondary, std::size_t candidates, double alpha) {
  const double share = secondary == 0 ? 1 : is_primary ? 0.5 : 0.5 / static_cast<double>(secondary);
  return alpha * share / static_cast<double>(std::max<std::size_t>(candidates, 1));
}

std::vector<std::size_t> e_benjamini_hochberg(std::span<const double> ln_e_values, double alpha) {
  std::vector<std::size_t> order(ln_e_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return ln_e_values[a] > ln_e_values[b]; });
  std::size_t rejected = 0;
  const auto m = static_cast<double>(order.size());
  for (std::size_t k = 1; k <= order.size(); ++k)
    if (ln_e_values[order[k - 1]] >= std::log(m / (static_cast<double>(k) * alpha))) rejected = k;
  order.resize(rejected);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace tandem::statistics
