// A log-linear histogram of durations, after HdrHistogram: values below 2^K ns have a bucket each, above that every power of
// two is cut into 2^K buckets, so a quantile's relative error is at most 2^-(K+1). One writer, any number of readers.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"

namespace tandem::observe {

class Histogram {
 public:
  static constexpr unsigned kSubBits = 7;
  static constexpr std::uint64_t kMaxNs = (std::uint64_t{1} << 36) - 1;  // 68.7 s; larger values count there
  static constexpr std::size_t kBuckets = (36 - kSubBits + 1) << kSubBits;

  static constexpr std::size_t index_of(std::uint64_t ns) {
    if (ns > kMaxNs) ns = kMaxNs;
    if (ns < (1u << kSubBits)) return ns;
    const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - kSubBits;
    return ((std::size_t{shift} + 1) << kSubBits) + (ns >> shift) - (1u << kSubBits);
  }
  // The smallest value of a bucket; lower_bound(kBuckets) is one past the largest value.
  static constexpr std::uint64_t lower_bound(std::size_t index) {
    if (index < (1u << kSubBits)) return index;
    const auto shift = (index >> kSubBits) - 1;
    return ((index & ((1u << kSubBits) - 1)) + (1u << kSubBits)) << shift;
  }

  // A copy to compute with.
  struct Snapshot {
    std::vector<std::uint64_t> counts = std::vector<std::uint64_t>(kBuckets);
    std::uint64_t count = 0;
    std::uint64_t sum_ns = 0;
    std::uint64_t max_ns = 0;
    std::uint64_t clamped = 0;

    void merge(const Snapshot& other);
    // The value below which a share `q` (0..1) of the counts lies, as its bucket's midpoint in ns; 0 when empty.
    double quantile_ns(double q) const;
    // Counts of values < `ns`; exact when `ns` is a power of two or a quarter between two.
    std::uint64_t count_below(std::uint64_t ns) const;
  };

  // Thread: the single writer.
  void record(Nanoseconds value) {
    const auto ns = value.count() < 0 ? 0 : static_cast<std::uint64_t>(value.count());
    bump(counts_[index_of(ns)], 1);
    bump(sum_, ns);
    if (ns > kMaxNs) bump(clamped_, 1);
    if (ns > max_.load(std::memory_order_relaxed)) max_.store(ns, std::memory_order_relaxed);
  }
  // Thread: any. Counts and sum may be a few records apart while the writer goes on.
  Snapshot snapshot() const;

 private:
  static void bump(std::atomic<std::uint64_t>& cell, std::uint64_t amount) {
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> sum_{0};
  std::atomic<std::uint64_t> max_{0};
  std::atomic<std::uint64_t> clamped_{0};
};

}  // namespace tandem::observe
