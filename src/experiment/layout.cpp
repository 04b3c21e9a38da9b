#include "experiment/layout.hpp"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <numeric>
#include <optional>

namespace tandem::experiment {
namespace {

bool sends_traffic(State state) { return state == State::running || state == State::concluded; }

void fill_ranges(Layout& layout, const std::vector<Range>& ranges) {
  for (const auto& range : ranges)
    for (unsigned bucket = range.first; bucket <= range.last; ++bucket) layout.owner[bucket] = range.arm;
}

// Gives `arm` up to `count` buckets of control, downwards from `from` as far as `to`; returns how many are still wanting.
unsigned take(Layout& layout, std::size_t arm, std::size_t control, unsigned count, unsigned from, unsigned to) {
  for (unsigned bucket = from + 1; bucket-- > to && count > 0;) {
    if (layout.owner[bucket] != control) continue;
    layout.owner[bucket] = static_cast<std::uint8_t>(arm);
    --count;
  }
  return count;
}

void fill_slots(Layout& layout, const LayoutOrder& order) {
  const auto arms = order.weights_bp.size();
  if (arms < 2) return;
  const unsigned slot = kBuckets / static_cast<unsigned>(arms - 1);
  std::vector<unsigned> wanting(arms);
  unsigned top = kBuckets - 1;
  for (std::size_t arm = 0; arm < arms; ++arm) {
    if (arm == order.control) continue;
    wanting[arm] = take(layout, arm, order.control, order.weights_bp[arm], top, top + 1 - slot);
    top -= slot;
  }
  for (std::size_t arm = 0; arm < arms; ++arm) take(layout, arm, order.control, wanting[arm], kBuckets - 1, 0);
}

std::vector<unsigned> count_owned(const Layout& layout, std::size_t arms) {
  std::vector<unsigned> owned(arms);
  for (const auto arm : layout.owner) ++owned[arm];
  return owned;
}

// Candidates whole, and of control a mirror image at the low end: as many buckets as the largest candidate has.
void analyse(Layout& layout, const LayoutOrder& order) {
  if (order.analysis == Analysis::all) {
    layout.is_analysed.fill(true);
    return;
  }
  auto owned = count_owned(layout, order.weights_bp.size());
  owned[order.control] = 0;
  unsigned wanting = *std::max_element(owned.begin(), owned.end());
  for (unsigned bucket = 0; bucket < kBuckets; ++bucket) {
    const bool is_control = layout.owner[bucket] == order.control;
    layout.is_analysed[bucket] = !is_control || wanting > 0;
    if (is_control && wanting > 0) --wanting;
  }
}

// The arms that are compared, if all of them have equal shares; one alone is compared with nothing.
std::optional<std::bitset<256>> balanced_arms(const Layout& layout) {
  std::array<unsigned, 256> counts{};
  for (unsigned bucket = 0; bucket < kBuckets; ++bucket)
    if (layout.is_analysed[bucket]) ++counts[layout.owner[bucket]];
  std::bitset<256> arms;
  unsigned share = 0;
  for (std::size_t arm = 0; arm < counts.size(); ++arm) {
    if (counts[arm] == 0) continue;
    if (arms.any() && counts[arm] != share) return std::nullopt;
    share = counts[arm];
    arms.set(arm);
  }
  if (arms.count() == 1) return std::nullopt;
  return arms;
}

// May windows before and after the change be pooled? An arm that joins later has not met all that the others have.
bool has_equal_shares(const Layout& before, const Layout& after) {
  const auto arms_before = balanced_arms(before);
  const auto arms_after = balanced_arms(after);
  if (!arms_before || !arms_after) return false;
  const bool is_pause = before.state != State::running || after.state != State::running;
  return is_pause || *arms_before == *arms_after;
}

}  // namespace

std::shared_ptr<Layout> make_layout(const LayoutOrder& order, const Layout* previous) {
  auto layout = std::make_shared<Layout>();
  layout->state = order.state;
  layout->weights_bp = order.weights_bp;
  layout->owner.fill(static_cast<std::uint8_t>(order.control));
  if (sends_traffic(order.state)) {
    if (order.ranges.empty()) {
      fill_slots(*layout, order);
    } else {
      fill_ranges(*layout, order.ranges);
      layout->weights_bp = count_owned(*layout, order.weights_bp.size());
    }
    if (order.state == State::running) analyse(*layout, order);
  }
  layout->revision = previous ? previous->revision + 1 : 1;
  layout->epoch = previous ? previous->epoch : 1;
  const bool is_same = previous && previous->owner == layout->owner && previous->is_analysed == layout->is_analysed;
  const bool may_pool = is_same || (previous && order.analysis == Analysis::matched && has_equal_shares(*previous, *layout));
  if (previous && !may_pool) ++layout->epoch;
  return layout;
}

std::string describe_buckets(const Layout& layout, std::size_t arm) {
  std::string text;
  for (unsigned bucket = 0; bucket < kBuckets; ++bucket) {
    if (layout.owner[bucket] != arm) continue;
    const unsigned first = bucket;
    while (bucket + 1 < kBuckets && layout.owner[bucket + 1] == arm) ++bucket;
    if (!text.empty()) text += ',';
    text += std::to_string(first) + "-" + std::to_string(bucket);
  }
  return text;
}

std::string_view format_state(State state) {
  switch (state) {
    case State::draft:
      return "draft";
    case State::running:
      return "running";
    case State::paused:
      return "paused";
    case State::rolled_back:
      return "rolled_back";
    case State::concluded:
      break;
  }
  return "concluded";
}

std::vector<unsigned> basis_points(const std::vector<double>& shares) {
  const double largest = *std::max_element(shares.begin(), shares.end());
  double sum = 0;
  for (const double share : shares) sum += share / largest;  // shares may be as large as a double holds
  std::vector<unsigned> points(shares.size());
  std::vector<double> remainders(shares.size());
  unsigned given = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double exact = shares[i] / largest / sum * kBuckets;
    points[i] = static_cast<unsigned>(exact);
    remainders[i] = exact - points[i];
    given += points[i];
  }
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return remainders[a] > remainders[b]; });
  for (std::size_t i = 0; given < kBuckets; i = (i + 1) % order.size(), ++given) ++points[order[i]];
  return points;
}

}  // namespace tandem::experiment
