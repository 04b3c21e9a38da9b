// Takes a candidate out of service when it fails at once and in plain sight: a catcher of disasters, no statistics
// (experiments.md §5.6). Half of ten attempts or more within a second, or five crashes of its worker in a row: off for 30 s;
// then one request a second is tried, and three good ones in a row bring it back. The third trip within ten minutes is
// final.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace tandem::experiment {

// Thread: any, each with a shard of its own; a candidate that answers well costs its thread no shared write.
class Breaker {
 public:
  enum class State : std::uint8_t { closed, open, half_open, given_up };
  enum class Admission : std::uint8_t { yes, probe, no };
  enum class Result : std::uint8_t { good, failed, crashed };

  static constexpr unsigned kMinAttempts = 10;
  static constexpr unsigned kCrashes = 5;
  static constexpr unsigned kGoodProbes = 3;
  static constexpr unsigned kTrips = 3;
  static constexpr std::chrono::seconds kOff{30};
  static constexpr std::chrono::minutes kTripWindow{10};

  explicit Breaker(unsigned shards) : shards_(shards) {}

  // May a request go to the candidate?
  Admission admit(TimePoint now);

  // How an admitted request ended; nothing is recorded of one whose client has gone. Returns what to say of a trip, else an
  // empty string.
  std::string record(unsigned shard, Admission admission, Result result, TimePoint now);

  // Lifts `given_up`, and forgets the trips.
  void forgive();

  State state() const { return state_.load(std::memory_order_relaxed); }
  std::uint64_t trips() const { return trips_total_.load(std::memory_order_relaxed); }

 private:
  // The attempts of one thread in half seconds; the window is this one and the one before.
  struct alignas(64) Shard {
    std::array<std::atomic<std::int64_t>, 2> period{-1, -1};
    std::array<std::atomic<std::uint32_t>, 2> attempts{};
    std::array<std::atomic<std::uint32_t>, 2> failures{};
  };

  static std::int64_t period_of(TimePoint now);
  void count(Shard& shard, bool failed, TimePoint now) const;
  std::string judge(TimePoint now);
  std::string trip(TimePoint now, std::string why);
  std::string open(TimePoint now, std::string why);  // the mutex is held
  std::string record_probe(Result result, TimePoint now);

  std::vector<Shard> shards_;
  std::atomic<State> state_{State::closed};
  std::atomic<unsigned> crashes_{0};  // in a row
  std::atomic<std::uint64_t> trips_total_{0};

  std::mutex mutex_;
  TimePoint next_try_{};               // guarded by mutex_: of an open or half-open breaker
  unsigned good_probes_ = 0;           // guarded by mutex_: in a row
  std::vector<TimePoint> trip_times_;  // guarded by mutex_: of the last ten minutes
};

}  // namespace tandem::experiment
