// Buckets for durations in ns, after HdrHistogram: values below 2^K have one each, above that every power of two is cut into
// 2^K of them, so that a quantile's relative error is at most 2^-(K+1). Borders of a smaller K are borders of a larger one.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace tandem::observe {

template <unsigned K>
struct LogLinear {
  static constexpr unsigned kSubBits = K;
  static constexpr std::uint64_t kMaxNs = (std::uint64_t{1} << 36) - 1;  // 68.7 s; larger values count there
  static constexpr std::size_t kBuckets = (36 - K + 1) << K;

  static constexpr std::size_t index_of(std::uint64_t ns) {
    if (ns > kMaxNs) ns = kMaxNs;
    if (ns < (1u << K)) return ns;
    const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - K;
    return ((std::size_t{shift} + 1) << K) + (ns >> shift) - (1u << K);
  }
  // The smallest value of a bucket; lower_bound(kBuckets) is one past the largest value.
  static constexpr std::uint64_t lower_bound(std::size_t index) {
    if (index < (1u << K)) return index;
    const auto shift = (index >> K) - 1;
    return ((index & ((1u << K) - 1)) + (1u << K)) << shift;
  }
};

}  // namespace tandem::observe
