// Who owns which of the 10000 buckets of an experiment, and which of them are compared (experiments.md §5.3). Immutable: a
// change of weights makes another one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem::experiment {

inline constexpr unsigned kBuckets = 10'000;

enum class State : std::uint8_t { draft, running, paused, rolled_back, concluded };

// Shares (finite, ≥ 0, at least one above 0) as basis points that sum to 10000: what rounding down leaves goes to the
// largest remainders, the first of equal ones.
std::vector<unsigned> basis_points(const std::vector<double>& shares);

struct Layout {
  std::uint64_t revision = 0;  // one more with each change of anything
  std::uint32_t epoch = 0;     // one more with each change that the statistics may not be pooled over
  State state = State::running;
  std::vector<unsigned> weights_bp;            // by arm; the sum is 10000
  std::array<std::uint8_t, kBuckets> owner{};  // arm, by bucket
  std::array<bool, kBuckets> is_analysed{};    // by bucket: part of the comparison, not only of the traffic
};

}  // namespace tandem::experiment
