// Who owns which of the 10000 buckets of an experiment, and which of them are compared (experiments.md §5.3). Immutable: a
// change of weights makes another one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "experiment/settings.hpp"

namespace tandem::experiment {

inline constexpr unsigned kBuckets = 10'000;

enum class State : std::uint8_t { draft, running, paused, rolled_back, concluded };

struct Layout {
  std::uint64_t revision = 0;  // one more with each change of anything
  std::uint32_t epoch = 0;     // one more with each change that the statistics may not be pooled over
  State state = State::running;
  std::vector<unsigned> weights_bp;            // by arm; the sum is 10000. As ordered, whatever the state
  std::array<std::uint8_t, kBuckets> owner{};  // arm, by bucket
  std::array<bool, kBuckets> is_analysed{};    // by bucket: part of the comparison, not only of the traffic
};

// Buckets `first` to `last`, both included, belong to `arm`.
struct Range {
  std::uint8_t arm = 0;
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  friend bool operator==(const Range&, const Range&) = default;
};

// What a layout is made from.
struct LayoutOrder {
  std::vector<unsigned> weights_bp;  // by arm; the sum is 10000
  std::vector<Range> ranges;         // not empty: override the weights; what none covers is control's. They do not overlap
  std::size_t control = 0;
  Analysis analysis = Analysis::matched;
  State state = State::running;  // paused, rolled back or a draft: every bucket is control's and none is compared
};

// Pure. Candidates (in order) grow downwards, each from the top of a slot of its own, so that a larger weight only takes
// buckets of control and a smaller one only gives them back; what is beyond a slot takes free buckets from the top. The
// revision is that of `previous` plus 1; so is the epoch if the shares of what is compared changed. Null: 1 and 1.
std::shared_ptr<Layout> make_layout(const LayoutOrder& order, const Layout* previous);

// The stretches of buckets that an arm owns: "7000-9999", "0-99,5000-5000"; empty when it has none.
std::string describe_buckets(const Layout& layout, std::size_t arm);

// "running", "rolled_back"
std::string_view format_state(State state);

// Shares (finite, ≥ 0, at least one above 0) as basis points that sum to 10000: what rounding down leaves goes to the
// largest remainders, the first of equal ones.
std::vector<unsigned> basis_points(const std::vector<double>& shares);

}  // namespace tandem::experiment
