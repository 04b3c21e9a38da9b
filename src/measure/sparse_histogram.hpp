// How many values fell into which bucket, of those buckets that hold any (observe::LogLinear says which values a bucket
// takes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem::measure {

class SparseHistogram {
 public:
  struct Cell {
    std::uint64_t bucket : 12;
    std::uint64_t count : 52;
    bool operator==(const Cell& other) const { return bucket == other.bucket && count == other.count; }
  };
  static constexpr std::uint64_t kMaxCount = (std::uint64_t{1} << 52) - 1;  // beyond it a count stays there

  // Ascending buckets, no empty ones.
  const std::vector<Cell>& cells() const { return cells_; }
  bool empty() const { return cells_.empty(); }
  std::uint64_t count() const;
  // Values in the buckets before `bucket`.
  std::uint64_t count_before(std::size_t bucket) const;

  // Appends a bucket behind all there are; `count` > 0.
  void append(std::size_t bucket, std::uint64_t count);
  void merge(const SparseHistogram& other);

  bool operator==(const SparseHistogram&) const = default;

 private:
  std::vector<Cell> cells_;
};

// The value below which the share `q` (0..1) of the values lies, in ns: the midpoint of its bucket; 0 when there are none.
template <class Buckets>
double quantile_ns(const SparseHistogram& histogram, double q);

// The bucket in which that value lies; the first of all when there are none.
std::size_t quantile_bucket(const SparseHistogram& histogram, double q);

template <class Buckets>
double quantile_ns(const SparseHistogram& histogram, double q) {
  if (histogram.empty()) return 0;
  const auto bucket = quantile_bucket(histogram, q);
  return static_cast<double>(Buckets::lower_bound(bucket) + Buckets::lower_bound(bucket + 1) - 1) / 2;
}

}  // namespace tandem::measure
