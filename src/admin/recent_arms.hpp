// What each arm did since the start and within the last seconds: differences of its counters, which only ever grow, between
// looks at them. Thread: one.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "observe/metrics.hpp"

namespace tandem::admin {

class RecentArms {
 public:
  // So many steps between looks are remembered: with a look a second, what happened within the last five seconds.
  static constexpr std::size_t kSteps = 5;

  struct Latency {
    double mean_ns = 0;
    double p50_ns = 0;
    double p99_ns = 0;
    double max_ns = 0;
  };
  struct Recent {
    double per_second = 0;
    double error_share = 0;          // of answers that were 5xx; 0 without any
    std::optional<double> p50_ns{};  // nothing: no request ended
    std::optional<double> p99_ns{};
  };
  struct Row {
    const observe::ArmMetrics* arm = nullptr;
    // Since the start:
    observe::ArmMetrics::ByClass requests{};
    std::optional<Latency> latency;  // nothing: no requests
    Recent recent;
  };

  // Reads the counters. An arm that nobody asks for anything costs next to nothing, a busy one some microseconds.
  void look(const observe::Registry& registry, TimePoint now);

  // In the order of the registry.
  const std::vector<Row>& rows() const { return rows_; }
  // Between the oldest look that is remembered and the newest; zero before the second, and `recent` says nothing.
  Nanoseconds window() const;

 private:
  // What one look found that the one before had not.
  struct Step {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    std::vector<std::pair<std::uint16_t, std::uint32_t>> buckets;  // of the histogram, with what was added
  };
  struct Arm {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    std::optional<Latency> latency;
    std::vector<std::uint64_t> counts;  // of the histogram, at the newest look
    std::deque<Step> steps;             // the oldest first
  };

  Step step_of(Arm& arm, const observe::ArmMetrics& metrics, std::uint64_t requests, std::uint64_t errors);
  Recent sum(const Arm& arm);

  std::map<const observe::ArmMetrics*, Arm> arms_;
  std::deque<TimePoint> looks_;  // one more than there are steps
  std::vector<Row> rows_;
  // Kept for their memory: an arm's whole histogram, and that of its steps, which is empty between two arms.
  observe::Histogram::Snapshot whole_;
  observe::Histogram::Snapshot sum_;
};

}  // namespace tandem::admin
