#include "admin/recent_arms.hpp"

#include <algorithm>
#include <numeric>

namespace tandem::admin {

namespace {

RecentArms::Latency latency_of(const observe::Histogram::Snapshot& times) {
  return {static_cast<double>(times.sum_ns) / static_cast<double>(times.count), times.quantile_ns(0.5),
          times.quantile_ns(0.99), static_cast<double>(times.max_ns)};
}

}  // namespace

Nanoseconds RecentArms::window() const { return looks_.size() < 2 ? Nanoseconds(0) : looks_.back() - looks_.front(); }

void RecentArms::look(const observe::Registry& registry, TimePoint now) {
  looks_.push_back(now);
  const bool is_first = looks_.size() == 1;
  if (looks_.size() > kSteps + 1) looks_.pop_front();
  rows_.clear();
  registry.for_each_arm([&](const observe::ArmMetrics& metrics) {
    const auto by_class = metrics.requests_by_class();
    const auto requests = std::accumulate(by_class.begin(), by_class.end(), std::uint64_t{0});
    auto& arm = arms_[&metrics];
    auto step = step_of(arm, metrics, requests, by_class[5]);
    // Of an arm that a reload has brought all requests are of now; those of the first look are of whenever.
    if (!is_first) {
      arm.steps.push_back(std::move(step));
      if (arm.steps.size() > kSteps) arm.steps.pop_front();
    }
    rows_.push_back({&metrics, by_class, arm.latency, sum(arm)});
  });
}

RecentArms::Step RecentArms::step_of(Arm& arm, const observe::ArmMetrics& metrics, std::uint64_t requests,
                                     std::uint64_t errors) {
  Step step;
  if (requests == arm.requests) return step;
  step.requests = requests - std::exchange(arm.requests, requests);
  step.errors = errors - std::exchange(arm.errors, errors);
  whole_.clear();
  metrics.add_total_to(whole_);
  if (whole_.count > 0) arm.latency = latency_of(whole_);
  // Up to the greatest value; buckets behind it were empty before as well.
  const auto end = observe::Histogram::index_of(whole_.max_ns) + 1;
  arm.counts.resize(std::max(arm.counts.size(), end));
  for (std::size_t i = 0; i < end; ++i)
    if (whole_.counts[i] != arm.counts[i])
      step.buckets.emplace_back(
          static_cast<std::uint16_t>(i),
          static_cast<std::uint32_t>(whole_.counts[i] - std::exchange(arm.counts[i], whole_.counts[i])));
  return step;
}

RecentArms::Recent RecentArms::sum(const Arm& arm) {
  Recent recent;
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  for (const auto& step : arm.steps) {
    requests += step.requests;
    errors += step.errors;
  }
  const double seconds = std::chrono::duration<double>(window()).count();
  if (requests == 0 || seconds <= 0) return recent;
  recent.per_second = static_cast<double>(requests) / seconds;
  recent.error_share = static_cast<double>(errors) / static_cast<double>(requests);
  for (const auto& step : arm.steps)
    for (const auto& [bucket, count] : step.buckets) {
      sum_.counts[bucket] += count;
      sum_.count += count;
    }
  if (sum_.count == 0) return recent;
  recent.p50_ns = sum_.quantile_ns(0.5);
  recent.p99_ns = sum_.quantile_ns(0.99);
  for (const auto& step : arm.steps)
    for (const auto& [bucket, count] : step.buckets) sum_.counts[bucket] = 0;
  sum_.count = 0;
  return recent;
}

}  // namespace tandem::admin
