#include "observe/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tandem::observe {

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot copy;
  add_to(copy);
  return copy;
}

void Histogram::add_to(Snapshot& sum) const {
  // Read before the counts: a clamped value is in the last bucket by then, so that counts[last] >= clamped.
  const auto clamped = clamped_.load(std::memory_order_relaxed);
  const auto max = max_.load(std::memory_order_relaxed);
  const auto end = index_of(max) + 1;  // behind it is nothing, or what is recorded just now
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < end; ++i) {
    last = counts_[i].load(std::memory_order_relaxed);
    sum.counts[i] += last;
    sum.count += last;
  }
  if (end == kBuckets) sum.clamped += std::min(clamped, last);
  sum.sum_ns += sum_.load(std::memory_order_relaxed);
  sum.max_ns = std::max(sum.max_ns, max);
}

void Histogram::Snapshot::clear() {
  std::fill(counts.begin(), counts.end(), 0);
  count = sum_ns = max_ns = clamped = 0;
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
  const auto rank = static_cast<std::uint64_t>(
      std::clamp<double>(std::ceil(q * static_cast<double>(count)), 1, static_cast<double>(count)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts[i];
    if (seen < rank) continue;
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
