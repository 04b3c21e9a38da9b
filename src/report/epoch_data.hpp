// What the statistics of a report are made from: of each epoch the windows in which both arms have requests, side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "measure/record.hpp"
#include "report/report.hpp"
#include "report/shares.hpp"
#include "statistics/mean_ratio.hpp"
#include "statistics/quantile.hpp"

namespace tandem::report {

// One arm of one epoch, as it is compared.
struct ArmData {
  std::vector<measure::Counts> windows;  // those in which both arms have requests
  measure::Counts total;                 // over them
  measure::Totals totals;                // of the whole epoch
  std::uint64_t all_requests = 0;        // of the whole epoch
  measure::Sum all_total_ns = 0;
};

struct EpochData {
  ArmData control;
  ArmData candidate;
  std::vector<std::int64_t> starts;  // of the windows, Unix seconds
  std::size_t any = 0;               // windows in which one of the two has requests
  std::optional<Shares> shares;      // of what is compared; none: not known
};

inline double number(measure::Sum sum) { return static_cast<double>(sum); }
inline double number(std::uint64_t count) { return static_cast<double>(count); }

// The counts that an analysis takes of one arm in one window.
measure::Counts compared_part(const measure::ByPopulation<measure::Counts>& both, bool is_matched);

EpochData read_epoch(const measure::Epoch& epoch, std::size_t control, std::size_t candidate, bool is_matched);

// Control twice, for what an analysis finds where there is nothing to find: neighbouring windows, taken in turn for the one
// and the other.
EpochData read_neighbours(const measure::Epoch& epoch, std::size_t control, bool is_matched);

// The epoch whose quantiles are told: raw counts of different layouts are not pooled. Null: no window has both arms.
const EpochData* main_epoch(const std::vector<EpochData>& epochs);

// What a metric sums over requests, in a window or by clusters of keys. Of clusters bytes are not kept: they get no say
// there.
statistics::Sums sums_of(Metric metric, const measure::Counts& counts);
std::vector<statistics::Sums> sums_of(Metric metric, const measure::Totals& totals);

std::vector<statistics::Bin> bins_of(const measure::SparseHistogram& histogram);

bool is_quantile(Metric metric);
double share_of(Metric quantile);  // 0.99 of p99

}  // namespace tandem::report
