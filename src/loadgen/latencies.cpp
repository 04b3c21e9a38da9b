#include "loadgen/latencies.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::loadgen {

void Latencies::record(Nanoseconds duration) {
  const auto ns = static_cast<std::uint64_t>(std::max<Nanoseconds::rep>(duration.count(), 0));
  if (counts_.empty()) counts_.resize(Buckets::kBuckets);
  ++counts_[Buckets::index_of(ns)];
  ++count_;
  sum_ns_ += ns;
  max_ns_ = std::max(max_ns_, ns);
}

void Latencies::merge(const Latencies& other) {
  if (other.counts_.empty()) return;
  if (counts_.empty()) counts_.resize(Buckets::kBuckets);
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

double Latencies::quantile_ns(double q) const {
  if (count_ == 0) return 0;
  const auto rank =
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))), 1, count_);
  std::uint64_t before = 0;
  std::size_t bucket = 0;
  while (before + counts_[bucket] < rank) before += counts_[bucket++];
  return static_cast<double>(Buckets::lower_bound(bucket) + Buckets::lower_bound(bucket + 1) - 1) / 2;
}

}  // namespace tandem::loadgen
