// Counters and histograms that the I/O threads touch: one shard a thread, single writer, relaxed atomics, so that a reader
// on another thread sees every increment and no writer ever waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "observe/histogram.hpp"

namespace tandem::observe {

enum class Stage : std::uint8_t { queue, gil, handler, write };
inline constexpr std::size_t kStages = 4;

// How a request of an experiment came to its arm: the label `assigned_by`.
enum class AssignedBy : std::uint8_t { none, hash, pin, switchback, chosen_by_default, fallback, rollback };
inline constexpr std::size_t kAssignments = 7;

// What one finished exchange adds.
struct Exchange {
  int status = 200;
  AssignedBy assigned_by = AssignedBy::none;
  Nanoseconds total{0};
  Nanoseconds cpu{0};
  std::array<Nanoseconds, kStages> stages{};  // by Stage; zero: not measured
};

// The measurements of one arm of one route (or of a route without arms: arm is empty).
class ArmMetrics {
 public:
  ArmMetrics(std::string route, std::string arm, std::string backend, unsigned shards);

  const std::string route;
  const std::string arm;
  const std::string backend;

  // Thread: the one I/O thread of that shard.
  void record(unsigned shard, const Exchange& exchange);

  // Sums over the shards. A status that is none counts as 5xx. Thread: any.
  using ByClass = std::array<std::uint64_t, 6>;  // [1] is 1xx … [5] is 5xx
  ByClass requests_by_class() const;
  ByClass requests_by_class(AssignedBy assigned_by) const;
  Histogram::Snapshot total() const;
  void add_total_to(Histogram::Snapshot& sum) const;
  Histogram::Snapshot stage(Stage stage) const;
  Nanoseconds cpu() const;

 private:
  struct Shard;
  std::vector<std::unique_ptr<Shard>> shards_;

 public:
  ~ArmMetrics();
};

// A count with a shard per thread. Thread: add() by the shard's writer only.
class Counter {
 public:
  explicit Counter(unsigned shards);
  void add(unsigned shard, std::int64_t amount = 1);
  std::int64_t value() const;

 private:
  struct alignas(64) Cell {
    std::atomic<std::int64_t> value{0};
  };
  std::vector<Cell> cells_;
};

// Durations that several threads measure, rarely enough for a lock. Thread: all.
class SharedHistogram {
 public:
  void record(Nanoseconds value) {
    const std::lock_guard lock(mutex_);
    histogram_.record(value);
  }
  Histogram::Snapshot snapshot() const { return histogram_.snapshot(); }

 private:
  std::mutex mutex_;  // one writer at a time
  Histogram histogram_;
};

// Everything that /metrics shows. Thread: all calls; only arm() and the registering calls take a lock.
class Registry {
 public:
  // `shards`: I/O threads plus one for everybody else (the last shard; its writers are the admin and supervisor threads,
  // which share it under atomic adds).
  explicit Registry(unsigned io_threads);
  unsigned shards() const { return shards_; }
  unsigned shared_shard() const { return shards_ - 1; }

  // The metrics of that arm; made at the first call, kept for ever, so that a reload goes on counting.
  ArmMetrics& arm(std::string_view route, std::string_view arm, std::string_view backend);
  // One series of a counter family, e.g. ("tandem_rejected_total", "Requests refused…", `reason="queue_full"`); made at the
  // first call, kept for ever. `labels` is what stands between the braces, see escape_label(); it may be empty. A family
  // whose name does not end in "_total" is a gauge.
  Counter& counter(std::string_view family, std::string_view help, std::string_view labels);

  // One series of a histogram family of durations; made at the first call, kept for ever. `labels` may not be empty.
  SharedHistogram& histogram(std::string_view family, std::string_view help, std::string_view labels);

  // A source of further exposition lines, called at every scrape on the admin thread; appends complete families with
  // # HELP and # TYPE lines. Sources may share a family (two pools do): its lines become one block under the first source's
  // # HELP and # TYPE, and equal series (of a pool and the one that replaces it at a reload) become their sum. Returns a
  // token whose destruction removes the source, waiting for a call in progress; a source must not destroy tokens or add
  // sources. The registry outlives its tokens.
  using Source = std::function<void(std::string& out)>;
  std::shared_ptr<void> add_source(Source source);

  // The Prometheus text exposition format 0.0.4.
  std::string prometheus_text() const;
  void for_each_arm(const std::function<void(const ArmMetrics&)>& visit) const;

 private:
  struct CounterFamily;
  struct HistogramSeries;
  std::vector<const ArmMetrics*> arms() const;

  const unsigned shards_;
  mutable std::mutex mutex_;  // guards the three below; their elements stay where they are for ever
  std::deque<ArmMetrics> arms_;
  std::deque<CounterFamily> families_;
  std::deque<HistogramSeries> histograms_;
  mutable std::mutex sources_mutex_;  // guards what follows; held while sources run
  std::vector<std::pair<int, Source>> sources_;
  int next_source_ = 0;

 public:
  ~Registry();
};

// `"` `\` and newline escaped as the exposition format wants them inside a label's quotes.
std::string escape_label(std::string_view value);

}  // namespace tandem::observe
