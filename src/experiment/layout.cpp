#include "experiment/layout.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tandem::experiment {

std::vector<unsigned> basis_points(const std::vector<double>& shares) {
  const double largest = *std::max_element(shares.begin(), shares.end());
  double sum = 0;
  for (const double share : shares) sum += share / largest;  // shares may be as large as a double holds
  std::vector<unsigned> points(shares.size());
  std::vector<double> remainders(shares.size());
  unsigned given = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double exact = shares[i] / largest / sum * kBuckets;
    points[i] = static_cast<unsigned>(exact);
    remainders[i] = exact - points[i];
    given += points[i];
  }
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return remainders[a] > remainders[b]; });
  for (std::size_t i = 0; given < kBuckets; i = (i + 1) % order.size(), ++given) ++points[order[i]];
  return points;
}

}  // namespace tandem::experiment
