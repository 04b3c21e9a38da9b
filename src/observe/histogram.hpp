// A log-linear histogram of durations (log_linear.hpp): one writer, any number of readers.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "observe/log_linear.hpp"

namespace tandem::observe {

class Histogram {
 public:
  using Buckets = LogLinear<7>;
  static constexpr unsigned kSubBits = Buckets::kSubBits;
  static constexpr std::uint64_t kMaxNs = Buckets::kMaxNs;
  static constexpr std::size_t kBuckets = Buckets::kBuckets;
  static constexpr std::size_t index_of(std::uint64_t ns) { return Buckets::index_of(ns); }
  static constexpr std::uint64_t lower_bound(std::size_t index) { return Buckets::lower_bound(index); }

  // A copy to compute with.
  struct Snapshot {
    std::vector<std::uint64_t> counts = std::vector<std::uint64_t>(kBuckets);
    std::uint64_t count = 0;
    std::uint64_t sum_ns = 0;
    std::uint64_t max_ns = 0;
    std::uint64_t clamped = 0;

    // Empty again, without giving its memory back.
    void clear();
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
  // The same, added to `sum`: costs no memory, and less time the smaller the greatest value is.
  void add_to(Snapshot& sum) const;

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
