#include "observe/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tandem::observe {

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot copy;
  // Read before the counts: a clamped value is in the last bucket by then, so that counts[last] >= clamped.
  copy.clamped = clamped_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < kBuckets; ++i) copy.counts[i] = counts_[i].load(std::memory_order_relaxed);
  copy.clamped = std::min(copy.clamped, copy.counts.back());
  copy.count = std::accumulate(copy.counts.begin(), copy.counts.end(), std::uint64_t{0});
  copy.sum_ns = sum_.load(std::memory_order_relaxed);
  copy.max_ns = max_.load(std::memory_order_relaxed);
  return copy;
}

void Histogram::Snapshot::merge(const Snapshot& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts[i] += other.counts[i];
  count += other.count;
  sum_ns += other.sum_ns;
  max_ns = std::max(max_ns, other.max_ns);
  clamped += other.clamped;
}

double Histogram::Snapshot::quantile_ns(double q) const {
  if (count == 0) return 0;
  const auto rank = std::clamp<double>(std::ceil(q * static_cast<double>(count)), 1, static_cast<double>(count));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts[i];
    if (static_cast<double>(seen) < rank) continue;
    // Values are whole nanoseconds: a bucket of one value has that value as its midpoint.
    return static_cast<double>(lower_bound(i) + lower_bound(i + 1) - 1) / 2;
  }
  return static_cast<double>(max_ns);
}

std::uint64_t Histogram::Snapshot::count_below(std::uint64_t ns) const {
  if (ns > kMaxNs) return count - clamped;
  const auto end = counts.begin() + static_cast<std::ptrdiff_t>(index_of(ns));
  return std::accumulate(counts.begin(), end, std::uint64_t{0});
}

}  // namespace tandem::observe
