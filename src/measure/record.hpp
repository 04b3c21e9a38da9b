// What an experiment has counted: plain additive state. Epochs → windows of wall-clock time → arms → the compared part of
// the traffic and the rest. Records merge across threads, replicas and restarts, in any order, to the record of one process
// that saw everything, bit for bit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "base/result.hpp"
#include "measure/key_sample.hpp"
#include "measure/sparse_histogram.hpp"
#include "measure/sum.hpp"
#include "observe/histogram.hpp"
#include "observe/log_linear.hpp"

namespace tandem::measure {

using FineBuckets = observe::Histogram::Buckets;
using CoarseBuckets = observe::LogLinear<3>;

// The requests that arms are compared by, and those beside them (Layout::is_analysed).
template <class T>
struct ByPopulation {
  T analysed;
  T rest;

  T& of(bool is_analysed) { return is_analysed ? analysed : rest; }
  const T& of(bool is_analysed) const { return is_analysed ? analysed : rest; }
  bool operator==(const ByPopulation&) const = default;
};

// Requests of one arm and what they took. Every request that was assigned to the arm counts, whoever answered it and also
// when its client left early: nobody is taken out of the comparison for how it ended.
struct Counts {
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;    // 5xx, time-outs among them, unless the client had gone
  std::uint64_t timeouts = 0;  // 504
  std::uint64_t aborts = 0;    // the client had gone; never an error
  std::uint64_t fallbacks = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  Sum total_ns = 0;                // what the clients waited, over all requests
  std::uint64_t cpu_requests = 0;  // those whose CPU time was read
  Sum cpu_ns = 0;                  // over cpu_requests
  SparseHistogram total;           // FineBuckets; holds `requests` values

  void merge(const Counts& other);
  bool operator==(const Counts&) const = default;
};

// Time in one stage, of the requests that came through it.
struct Durations {
  Sum sum_ns = 0;
  SparseHistogram counts;  // FineBuckets

  void merge(const Durations& other);
  bool operator==(const Durations&) const = default;
};

// Requests of one 64th of all keys.
struct KeyCluster {
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  Sum total_ns = 0;
  std::uint64_t cpu_requests = 0;
  Sum cpu_ns = 0;
  SparseHistogram total;  // CoarseBuckets

  void merge(const KeyCluster& other);
  bool operator==(const KeyCluster&) const = default;
};

inline constexpr std::size_t kKeyClusters = 64;

// What is kept over a whole epoch only. Clusters and keys know nothing of requests whose key tells no clients apart.
struct Totals {
  Durations queue;
  Durations gil;
  Durations exec;
  std::array<KeyCluster, kKeyClusters> clusters;
  KeySample keys;

  void merge(const Totals& other);
  bool operator==(const Totals&) const = default;
};

// A stretch of time in which who owned which bucket was not changed in a way that forbids pooling.
struct Epoch {
  static constexpr std::size_t kMaxWindows = 2160;  // six hours of 10 s

  std::int64_t since = 0;            // Unix seconds; the earliest that anybody knows
  std::vector<unsigned> weights_bp;  // by arm, of its first layout; empty: not known yet
  bool weights_differ = false;       // records with unlike weights were merged: the replicas were not configured alike
  std::uint64_t clock_steps = 0;     // jumps of the wall clock, which put requests into windows that are not theirs
  std::uint64_t largest_clock_step_ms = 0;

  // Window w is the time from w × window_seconds on, in Unix seconds. Doubles (neighbours become one) whenever there are
  // more than kMaxWindows.
  std::int64_t window_seconds = 10;
  std::map<std::int64_t, std::vector<ByPopulation<Counts>>> windows;  // by index, then by arm; those with requests only
  std::vector<ByPopulation<Totals>> arms;

  // The sum of an arm's windows.
  ByPopulation<Counts> counts(std::size_t arm) const;

  bool operator==(const Epoch&) const = default;
};

// While it is measured what shadows cost live requests, they run in the windows with an even index.
constexpr bool has_shadows(std::int64_t window_index) { return window_index % 2 == 0; }

// What one thread has counted since it was last asked.
struct Slice {
  struct Arm {
    Counts counts;
    Totals totals;
  };
  struct EpochPart {
    std::uint32_t number = 0;
    std::vector<ByPopulation<Arm>> arms;
  };
  std::vector<EpochPart> epochs;
};

class Record {
 public:
  static constexpr std::size_t kMaxArms = 64;

  explicit Record(std::size_t arms = 2, std::int64_t window_seconds = 10) : arms_(arms), window_seconds_(window_seconds) {}

  std::size_t arms() const { return arms_; }
  // Of epochs that are to begin.
  std::int64_t window_seconds() const { return window_seconds_; }
  const std::map<std::uint32_t, Epoch>& epochs() const { return epochs_; }

  // An epoch has begun, or is known already. Requests of an epoch that was not announced begin it all the same, with unknown
  // weights.
  // Nothing happens if it is; an epoch without requests yet gets windows of that length, 0: as usual.
  void begin_epoch(std::uint32_t number, std::int64_t unix_seconds, const std::vector<unsigned>& weights_bp,
                   std::int64_t window_seconds = 0);
  // `unix_seconds`: the window that the slice's requests go to.
  void add(const Slice& slice, std::int64_t unix_seconds);
  // The wall clock has jumped by so much while that epoch ran.
  void note_clock_step(std::uint32_t epoch, std::int64_t unix_seconds, std::uint64_t milliseconds);

  // What was counted in epochs before that one is no longer kept.
  void forget_before(std::uint32_t epoch) { epochs_.erase(epochs_.begin(), epochs_.lower_bound(epoch)); }

  // Adds what another one has counted. An error, and nothing changed, if it has another number of arms or windows that do
  // not divide each other by halves.
  Result<void> merge(const Record& other);

  bool operator==(const Record&) const = default;

 private:
  friend class RecordReader;
  Epoch& epoch(std::uint32_t number, std::int64_t unix_seconds);

  std::size_t arms_;
  std::int64_t window_seconds_;
  std::map<std::uint32_t, Epoch> epochs_;
};

}  // namespace tandem::measure
