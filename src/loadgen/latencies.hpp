// Durations as a load generator counts them: one counter a bucket of observe::LogLinear<7> (at most 0.4 % off), the sum
// beside them so that means are exact. Durations above 68.7 s count there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "observe/log_linear.hpp"

namespace tandem::loadgen {

class Latencies {
 public:
  using Buckets = observe::LogLinear<7>;

  void record(Nanoseconds duration);
  void merge(const Latencies& other);

  std::uint64_t count() const { return count_; }
  double mean_ns() const { return count_ == 0 ? 0 : static_cast<double>(sum_ns_) / static_cast<double>(count_); }
  double max_ns() const { return static_cast<double>(max_ns_); }
  // The midpoint of the bucket that holds the value of rank ⌈q·n⌉; 0 when there are none.
  double quantile_ns(double q) const;
  // By bucket; empty when nothing was recorded.
  const std::vector<std::uint64_t>& counts() const { return counts_; }

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ns_ = 0;
  std::uint64_t max_ns_ = 0;
};

}  // namespace tandem::loadgen
