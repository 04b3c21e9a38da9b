#include "measure/sparse_histogram.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::measure {

std::uint64_t SparseHistogram::count() const {
  std::uint64_t sum = 0;
  for (const auto& cell : cells_) sum += cell.count;
  return sum;
}

std::uint64_t SparseHistogram::count_before(std::size_t bucket) const {
  std::uint64_t sum = 0;
  for (const auto& cell : cells_) {
    if (cell.bucket >= bucket) break;
    sum += cell.count;
  }
  return sum;
}

void SparseHistogram::append(std::size_t bucket, std::uint64_t count) {
  cells_.push_back({bucket & 0xFFF, std::min(count, kMaxCount)});
}

void SparseHistogram::merge(const SparseHistogram& other) {
  if (other.empty()) return;
  if (empty()) {
    cells_ = other.cells_;
    return;
  }
  std::vector<Cell> both;
  both.reserve(cells_.size() + other.cells_.size());
  auto mine = cells_.cbegin();
  auto theirs = other.cells_.cbegin();
  while (mine != cells_.cend() || theirs != other.cells_.cend()) {
    if (theirs == other.cells_.cend() || (mine != cells_.cend() && mine->bucket < theirs->bucket)) {
      both.push_back(*mine++);
    } else if (mine == cells_.cend() || theirs->bucket < mine->bucket) {
      both.push_back(*theirs++);
    } else {
      const std::uint64_t sum = std::uint64_t{mine->count} + theirs->count;
      both.push_back({mine->bucket, std::min(sum, kMaxCount)});
      ++mine;
      ++theirs;
    }
  }
  cells_ = std::move(both);
}

std::size_t quantile_bucket(const SparseHistogram& histogram, double q) {
  const auto n = static_cast<double>(histogram.count());
  const auto rank = std::clamp<double>(std::ceil(q * n), 1, std::max(n, 1.0));
  std::uint64_t seen = 0;
  for (const auto& cell : histogram.cells()) {
    seen += cell.count;
    if (static_cast<double>(seen) >= rank) return cell.bucket;
  }
  return histogram.empty() ? 0 : histogram.cells().back().bucket;
}

}  // namespace tandem::measure
