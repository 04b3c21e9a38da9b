#include "measure/record.hpp"

#include <algorithm>
#include <bit>
#include <string>

namespace tandem::measure {
namespace {

std::int64_t floor_divide(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

using Window = std::vector<ByPopulation<Counts>>;

void merge_window(Window& into, const Window& from) {
  for (std::size_t arm = 0; arm < into.size(); ++arm) {
    into[arm].analysed.merge(from[arm].analysed);
    into[arm].rest.merge(from[arm].rest);
  }
}

void double_windows(Epoch& epoch) {
  epoch.window_seconds *= 2;
  std::map<std::int64_t, Window> longer;
  for (auto& [index, window] : epoch.windows) {
    const auto [place, is_new] = longer.try_emplace(index >> 1);
    if (is_new)
      place->second = std::move(window);
    else
      merge_window(place->second, window);
  }
  epoch.windows = std::move(longer);
}

void keep_bounded(Epoch& epoch) {
  while (epoch.windows.size() > Epoch::kMaxWindows) double_windows(epoch);
}

bool are_halves_of(std::int64_t length, std::int64_t other) {
  const auto [shorter, longer] = std::minmax(length, other);
  return longer % shorter == 0 && std::has_single_bit(static_cast<std::uint64_t>(longer / shorter));
}

void merge_weights(Epoch& into, const Epoch& from) {
  into.weights_differ |= from.weights_differ;
  if (from.weights_bp.empty() || into.weights_bp == from.weights_bp) return;
  into.weights_differ |= !into.weights_bp.empty();
  into.weights_bp = std::max(into.weights_bp, from.weights_bp);  // any, but the same one in whatever order
}

void merge_epoch(Epoch& into, Epoch from) {
  into.since = std::min(into.since, from.since);
  merge_weights(into, from);
  into.clock_steps += from.clock_steps;
  into.largest_clock_step_ms = std::max(into.largest_clock_step_ms, from.largest_clock_step_ms);
  while (into.window_seconds < from.window_seconds) double_windows(into);
  while (from.window_seconds < into.window_seconds) double_windows(from);
  for (auto& [index, window] : from.windows) {
    const auto [place, is_new] = into.windows.try_emplace(index);
    if (is_new)
      place->second = std::move(window);
    else
      merge_window(place->second, window);
  }
  for (std::size_t arm = 0; arm < into.arms.size(); ++arm) {
    into.arms[arm].analysed.merge(from.arms[arm].analysed);
    into.arms[arm].rest.merge(from.arms[arm].rest);
  }
  keep_bounded(into);
}

}  // namespace

void Counts::merge(const Counts& other) {
  requests += other.requests;
  errors += other.errors;
  timeouts += other.timeouts;
  aborts += other.aborts;
  fallbacks += other.fallbacks;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  total_ns += other.total_ns;
  cpu_requests += other.cpu_requests;
  cpu_ns += other.cpu_ns;
  total.merge(other.total);
}

void Durations::merge(const Durations& other) {
  sum_ns += other.sum_ns;
  counts.merge(other.counts);
}

void KeyCluster::merge(const KeyCluster& other) {
  requests += other.requests;
  errors += other.errors;
  total_ns += other.total_ns;
  cpu_requests += other.cpu_requests;
  cpu_ns += other.cpu_ns;
  total.merge(other.total);
}

void Totals::merge(const Totals& other) {
  queue.merge(other.queue);
  gil.merge(other.gil);
  exec.merge(other.exec);
  for (std::size_t i = 0; i < clusters.size(); ++i) clusters[i].merge(other.clusters[i]);
  keys.merge(other.keys);
}

ByPopulation<Counts> Epoch::counts(std::size_t arm) const {
  ByPopulation<Counts> sum;
  for (const auto& [index, window] : windows) {
    sum.analysed.merge(window[arm].analysed);
    sum.rest.merge(window[arm].rest);
  }
  return sum;
}

Epoch& Record::epoch(std::uint32_t number, std::int64_t unix_seconds) {
  const auto [place, is_new] = epochs_.try_emplace(number);
  auto& epoch = place->second;
  if (is_new) {
    epoch.since = unix_seconds;
    epoch.window_seconds = window_seconds_;
    epoch.arms.resize(arms_);
  }
  epoch.since = std::min(epoch.since, unix_seconds);
  return epoch;
}

void Record::begin_epoch(std::uint32_t number, std::int64_t unix_seconds, const std::vector<unsigned>& weights_bp,
                         std::int64_t window_seconds) {
  auto& begun = epoch(number, unix_seconds);
  if (window_seconds > 0 && begun.windows.empty()) begun.window_seconds = window_seconds;
  if (begun.weights_bp.empty()) begun.weights_bp = weights_bp;
}

void Record::add(const Slice& slice, std::int64_t unix_seconds) {
  for (const auto& part : slice.epochs) {
    auto& into = epoch(part.number, unix_seconds);
    auto& window = into.windows[floor_divide(unix_seconds, into.window_seconds)];
    window.resize(arms_);
    for (std::size_t arm = 0; arm < std::min(arms_, part.arms.size()); ++arm)
      for (const bool is_analysed : {true, false}) {
        const auto& from = part.arms[arm].of(is_analysed);
        window[arm].of(is_analysed).merge(from.counts);
        into.arms[arm].of(is_analysed).merge(from.totals);
      }
    keep_bounded(into);
  }
}

void Record::note_clock_step(std::uint32_t number, std::int64_t unix_seconds, std::uint64_t milliseconds) {
  auto& stepped = epoch(number, unix_seconds);
  ++stepped.clock_steps;
  stepped.largest_clock_step_ms = std::max(stepped.largest_clock_step_ms, milliseconds);
}

Result<void> Record::merge(const Record& other) {
  if (other.arms_ != arms_)
    return Error("measure.arms",
                 "a record of " + std::to_string(other.arms_) + " arms can't be added to one of " + std::to_string(arms_));
  for (const auto& [number, from] : other.epochs_) {
    const auto own = epochs_.find(number);
    if (own != epochs_.end() && !are_halves_of(own->second.window_seconds, from.window_seconds))
      return Error("measure.windows", "windows of " + std::to_string(from.window_seconds) +
                                          " s can't be added to windows of " + std::to_string(own->second.window_seconds) +
                                          " s (epoch " + std::to_string(number) + ")");
  }
  window_seconds_ = std::max(window_seconds_, other.window_seconds_);
  for (const auto& [number, from] : other.epochs_) {
    const auto [place, is_new] = epochs_.try_emplace(number, from);
    if (!is_new) merge_epoch(place->second, from);
  }
  return {};
}

}  // namespace tandem::measure
