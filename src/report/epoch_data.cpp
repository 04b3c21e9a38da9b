#include "report/epoch_data.hpp"

#include <iterator>
#include <utility>

namespace tandem::report {

using measure::Counts;
using statistics::Sums;

Counts compared_part(const measure::ByPopulation<Counts>& both, bool is_matched) {
  auto counts = both.analysed;
  if (!is_matched) counts.merge(both.rest);
  return counts;
}

namespace {

// Appends a window to both arms if both have requests.
void add_window(EpochData& data, std::int64_t unix_seconds, Counts control, Counts candidate) {
  if (control.requests + candidate.requests > 0) ++data.any;
  for (auto* arm : {&data.control, &data.candidate}) {
    const auto& counts = arm == &data.control ? control : candidate;
    arm->all_requests += counts.requests;
    arm->all_total_ns += counts.total_ns;
  }
  if (control.requests == 0 || candidate.requests == 0) return;
  data.starts.push_back(unix_seconds);
  data.control.total.merge(control);
  data.candidate.total.merge(candidate);
  data.control.windows.push_back(std::move(control));
  data.candidate.windows.push_back(std::move(candidate));
}

}  // namespace

EpochData read_epoch(const measure::Epoch& epoch, std::size_t control, std::size_t candidate, bool is_matched) {
  EpochData data;
  data.shares = compared_shares(epoch, control, candidate, is_matched);
  for (const auto& [index, arms] : epoch.windows)
    add_window(data, index * epoch.window_seconds, compared_part(arms[control], is_matched),
               compared_part(arms[candidate], is_matched));
  const auto totals = [&](std::size_t arm) {
    if (arm >= epoch.arms.size()) return measure::Totals{};
    auto sum = epoch.arms[arm].analysed;
    if (!is_matched) sum.merge(epoch.arms[arm].rest);
    return sum;
  };
  data.control.totals = totals(control);
  data.candidate.totals = totals(candidate);
  return data;
}

EpochData read_neighbours(const measure::Epoch& epoch, std::size_t control, bool is_matched) {
  EpochData data;
  for (auto window = epoch.windows.begin(); window != epoch.windows.end(); ++window) {
    const auto next = std::next(window);
    if (next == epoch.windows.end() || next->first != window->first + 1) continue;
    auto one = compared_part(window->second[control], is_matched);
    auto other = compared_part(next->second[control], is_matched);
    // In turn, so that a drift of the load falls on both alike.
    if (data.starts.size() % 2 == 1) std::swap(one, other);
    add_window(data, window->first * epoch.window_seconds, std::move(one), std::move(other));
    window = next;
  }
  return data;
}

const EpochData* main_epoch(const std::vector<EpochData>& epochs) {
  const EpochData* most = nullptr;
  for (const auto& epoch : epochs)
    if (!epoch.starts.empty() && (most == nullptr || epoch.candidate.total.requests > most->candidate.total.requests))
      most = &epoch;
  return most;
}

Sums sums_of(Metric metric, const Counts& counts) {
  switch (metric) {
    case Metric::cpu:
      return {number(counts.cpu_requests), number(counts.cpu_ns)};
    case Metric::errors:
      return {number(counts.requests), number(counts.errors)};
    case Metric::bytes:
      return {number(counts.requests), number(counts.bytes_out)};
    default:
      return {number(counts.requests), number(counts.total_ns)};
  }
}

std::vector<Sums> sums_of(Metric metric, const measure::Totals& totals) {
  std::vector<Sums> sums;
  if (metric == Metric::bytes) return sums;
  for (const auto& cluster : totals.clusters) {
    if (metric == Metric::cpu)
      sums.push_back({number(cluster.cpu_requests), number(cluster.cpu_ns)});
    else
      sums.push_back(
          {number(cluster.requests), metric == Metric::errors ? number(cluster.errors) : number(cluster.total_ns)});
  }
  return sums;
}

std::vector<statistics::Bin> bins_of(const measure::SparseHistogram& histogram) {
  std::vector<statistics::Bin> bins;
  for (const auto& cell : histogram.cells()) {
    const auto low = measure::FineBuckets::lower_bound(cell.bucket);
    const auto high = measure::FineBuckets::lower_bound(cell.bucket + 1) - 1;
    bins.push_back({static_cast<double>(low), static_cast<double>(high), cell.count});
  }
  return bins;
}

bool is_quantile(Metric metric) { return metric >= Metric::p50 && metric <= Metric::p999; }

double share_of(Metric metric) {
  switch (metric) {
    case Metric::p50:
      return 0.5;
    case Metric::p95:
      return 0.95;
    case Metric::p99:
      return 0.99;
    default:
      return 0.999;
  }
}

}  // namespace tandem::report
