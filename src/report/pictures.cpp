#include "report/pictures.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "statistics/risk_ratio.hpp"

namespace tandem::report {
namespace {

using measure::Counts;
using statistics::Sums;

constexpr std::int64_t kColumns = 44;
constexpr std::size_t kRows = 28;
constexpr std::size_t kSteps = 40;

// --- heat maps -------------------------------------------------------------------------------------------

// The windows' own borders joined to 4, 2 or 1 a factor of two: as fine as there is room for between the smallest and the
// largest value.
class Rows {
 public:
  Rows(std::uint64_t smallest, std::uint64_t largest) {
    for (bits_ = 2; bits_ > 0 && index(largest) - index(smallest) >= kRows; --bits_) {
    }
    first_ = index(smallest);
    count_ = index(largest) - first_ + 1;
  }
  std::size_t count() const { return count_; }
  std::size_t of(std::uint64_t ns) const { return index(ns) - first_; }
  double border(std::size_t row) const {
    const auto index = first_ + row;
    return number(bits_ == 2   ? observe::LogLinear<2>::lower_bound(index)
                  : bits_ == 1 ? observe::LogLinear<1>::lower_bound(index)
                               : observe::LogLinear<0>::lower_bound(index));
  }

 private:
  std::size_t index(std::uint64_t ns) const {
    return bits_ == 2   ? observe::LogLinear<2>::index_of(ns)
           : bits_ == 1 ? observe::LogLinear<1>::index_of(ns)
                        : observe::LogLinear<0>::index_of(ns);
  }
  unsigned bits_ = 2;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

// Calls visit(epoch, start in Unix seconds, control's counts, the candidate's) for each window.
template <class Visit>
void for_each_window(const State& state, std::size_t candidate, Visit visit) {
  for (const auto& [number_of, epoch] : state.record.epochs())
    for (const auto& [index, arms] : epoch.windows)
      visit(epoch, index * epoch.window_seconds, compared_part(arms[state.control], state.is_matched),
            compared_part(arms[candidate], state.is_matched));
}

HeatMap heat_map(const State& state, std::size_t candidate) {
  HeatMap heat;
  std::int64_t first = std::numeric_limits<std::int64_t>::max(), last = 0, window_seconds = 1;
  auto smallest = std::numeric_limits<std::uint64_t>::max(), largest = std::uint64_t{0};
  for_each_window(state, candidate, [&](const auto& epoch, std::int64_t start, const Counts& control, const Counts& other) {
    for (const auto* counts : {&control, &other}) {
      if (counts->total.empty()) continue;
      first = std::min(first, start);
      last = std::max(last, start + epoch.window_seconds);
      smallest = std::min(smallest, measure::FineBuckets::lower_bound(counts->total.cells().front().bucket));
      largest = std::max(largest, measure::FineBuckets::lower_bound(counts->total.cells().back().bucket));
    }
    window_seconds = std::max(window_seconds, epoch.window_seconds);
  });
  if (last == 0) return heat;
  const Rows rows(smallest, largest);
  for (std::size_t row = 0; row <= rows.count(); ++row) heat.borders.push_back(rows.border(row));
  const auto windows = (last - first + window_seconds - 1) / window_seconds;
  heat.since = first;
  heat.column_seconds = (windows + kColumns - 1) / kColumns * window_seconds;
  const auto columns = static_cast<std::size_t>((last - first + heat.column_seconds - 1) / heat.column_seconds);
  heat.control.assign(columns, std::vector<std::uint64_t>(rows.count()));
  heat.candidate = heat.control;
  for_each_window(state, candidate, [&](const auto&, std::int64_t start, const Counts& control, const Counts& other) {
    if (control.requests + other.requests == 0) return;
    const auto column = static_cast<std::size_t>((start - first) / heat.column_seconds);
    const auto add = [&](const Counts& counts, auto& map) {
      for (const auto& cell : counts.total.cells())
        map[column][rows.of(measure::FineBuckets::lower_bound(cell.bucket))] += cell.count;
    };
    add(control, heat.control);
    add(other, heat.candidate);
  });
  return heat;
}

// --- effects as they grew --------------------------------------------------------------------------------

class Growth {
 public:
  Growth(const State& state, const std::vector<EpochData>& epochs) : state_(state), epochs_(epochs) {
    for (const auto& epoch : epochs) windows_ += epoch.starts.size();
  }

  std::vector<ProgressPoint> points(Metric metric, double alpha) const {
    if (metric == Metric::errors) return error_points(alpha);
    return is_quantile(metric) ? quantile_points(metric, alpha) : mean_points(metric, alpha);
  }

 private:
  // Is something to be said after so many of `all` windows?
  static bool is_step(std::size_t done, std::size_t all) {
    const auto stride = (all + kSteps - 1) / kSteps;
    return done == all || (done > 1 && done % stride == 0);
  }

  std::vector<ProgressPoint> mean_points(Metric metric, double alpha) const {
    std::vector<ProgressPoint> points;
    std::vector<statistics::Estimate> before;  // of the epochs that have ended
    std::size_t done = 0;
    for (const auto& epoch : epochs_) {
      std::vector<statistics::PairedWindow> windows;
      std::optional<statistics::Estimate> running;
      for (std::size_t i = 0; i < epoch.starts.size(); ++i) {
        windows.push_back({sums_of(metric, epoch.control.windows[i]), sums_of(metric, epoch.candidate.windows[i])});
        const bool is_last = i + 1 == epoch.starts.size();
        if (!is_step(++done, windows_) && !is_last) continue;
        running = estimate(windows);
        if (!running) continue;
        auto estimates = before;
        estimates.push_back(*running);
        const auto combined = statistics::combined(estimates);
        const auto interval = combined.interval(alpha, state_.demands.planned_windows);
        points.push_back({epoch.starts[i], std::exp(combined.value), {std::exp(interval.low), std::exp(interval.high)}});
      }
      if (running) before.push_back(*running);
    }
    return points;
  }

  static std::optional<statistics::Estimate> estimate(const std::vector<statistics::PairedWindow>& windows) {
    double control = 0, candidate = 0;
    for (const auto& window : windows) {
      control += window.control.y;
      candidate += window.candidate.y;
    }
    if (windows.size() < 2 || control <= 0 || candidate <= 0) return std::nullopt;
    return statistics::ln_ratio(windows);
  }

  std::vector<ProgressPoint> quantile_points(Metric metric, double alpha) const {
    std::vector<ProgressPoint> points;
    const auto* epoch = main_epoch(epochs_);
    if (epoch == nullptr) return points;
    measure::SparseHistogram control, candidate;
    for (std::size_t i = 0; i < epoch->starts.size(); ++i) {
      control.merge(epoch->control.windows[i].total);
      candidate.merge(epoch->candidate.windows[i].total);
      if (!is_step(i + 1, epoch->starts.size())) continue;
      const double p = share_of(metric);
      const auto ratio =
          statistics::quantile_ratio(bins_of(control), bins_of(candidate), p, alpha, spread(epoch->control, i, control, p),
                                     spread(epoch->candidate, i, candidate, p));
      points.push_back({epoch->starts[i], ratio.ratio, ratio.interval});
    }
    return points;
  }

  // The design effect of the first windows, up to that one.
  static double spread(const ArmData& arm, std::size_t last, const measure::SparseHistogram& total, double p) {
    const auto bucket = measure::quantile_bucket(total, p);
    std::vector<Sums> sums;
    for (std::size_t i = 0; i <= last; ++i)
      sums.push_back({number(arm.windows[i].requests), number(arm.windows[i].total.count_before(bucket + 1))});
    return statistics::design_effect(sums);
  }

  // By the e-process that guardrails use, since errors are few.
  std::vector<ProgressPoint> error_points(double alpha) const {
    std::vector<ProgressPoint> points;
    statistics::RiskRatio risk;
    Sums control, candidate;
    std::size_t done = 0;
    for (const auto& epoch : epochs_)
      for (std::size_t i = 0; i < epoch.starts.size(); ++i) {
        const auto c = sums_of(Metric::errors, epoch.control.windows[i]);
        const auto t = sums_of(Metric::errors, epoch.candidate.windows[i]);
        risk.add(t.y, c.y, t.n, c.n);
        control = {control.n + c.n, control.y + c.y};
        candidate = {candidate.n + t.n, candidate.y + t.y};
        if (!is_step(++done, windows_) || control.y + candidate.y == 0) continue;
        const double ratio = control.y > 0 ? candidate.y / candidate.n / (control.y / control.n) : 0;
        points.push_back({epoch.starts[i], ratio, risk.interval(alpha)});
      }
    return points;
  }

  const State& state_;
  const std::vector<EpochData>& epochs_;
  std::size_t windows_ = 0;
};

double guardrail_of(const State& state, Metric metric) {
  for (const auto& one : state.guardrails)
    if (one.metric == name_of(metric)) return one.margin;
  return 0;
}

}  // namespace

Pictures pictures_of(const State& state, std::size_t candidate, const std::vector<EpochData>& epochs,
                     const std::vector<Effect>& effects) {
  Pictures pictures;
  pictures.heat = heat_map(state, candidate);
  const Growth growth(state, epochs);
  for (const auto& effect : effects) {
    const auto metric = effect.metric;
    const double guardrail = guardrail_of(state, metric);
    const bool is_always_shown =
        metric == Metric::mean || metric == Metric::p99 || metric == Metric::cpu || metric == Metric::errors;
    if (is_always_shown || guardrail > 0)
      pictures.progress.push_back({metric, guardrail, growth.points(metric, effect.alpha)});
  }
  return pictures;
}

}  // namespace tandem::report
