// States of an experiment as a server would have counted them.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>

#include "measure/recorder.hpp"
#include "report/report.hpp"

namespace tandem::report {

inline constexpr std::int64_t kStart = 1'700'000'000;
inline constexpr std::size_t kControl = 0;
inline constexpr std::size_t kCandidate = 1;

inline State state_of(std::string backend = "python") {
  State state;
  state.experiment = "fib-port";
  state.route = "fib";
  state.salt = "fib-port";
  state.state = "running";
  state.assign = "sticky";
  state.revision = 3;
  state.arms = {{"py", std::move(backend), 5000}, {"cpp", "native", 5000}};
  state.record = measure::Record(2, 10);
  state.record.begin_epoch(1, kStart, {5000, 5000});
  return state;
}

// Fills windows with requests, as the recorder of a server would.
class Traffic {
 public:
  explicit Traffic(unsigned seed = 1) : random_(seed) {}

  using Change = std::function<void(measure::Observation&)>;
  // `count` requests of that arm in the window that begins then, of lognormal times around `ms`.
  void add(State& state, std::size_t arm, std::int64_t unix_seconds, int count, double ms, const Change& change = {},
           std::uint32_t epoch = 1) {
    measure::Recorder recorder(state.arms.size(), 1);
    std::lognormal_distribution<double> spread(0, 0.3);
    for (int i = 0; i < count; ++i) {
      measure::Observation one;
      one.arm = static_cast<std::uint16_t>(arm);
      one.epoch = epoch;
      one.is_analysed = true;
      one.has_key = has_keys;
      one.cluster = static_cast<std::uint32_t>(random_());
      one.status = 200;
      one.total = Nanoseconds(static_cast<std::int64_t>(ms * 1e6 * spread(random_)));
      one.exec = one.total / 2;
      one.has_cpu = i % 4 == 0;
      one.cpu = one.total / 4;
      one.bytes_out = 100;
      if (change) change(one);
      recorder.record(0, one);
    }
    state.record.add(recorder.take(0), unix_seconds);
  }

  // Windows of both arms.
  void fill(State& state, int windows, int count, double control_ms, double candidate_ms, const Change& of_candidate = {}) {
    for (int i = 0; i < windows; ++i) {
      add(state, kControl, kStart + 10 * i, count, control_ms);
      add(state, kCandidate, kStart + 10 * i, count, candidate_ms, of_candidate);
    }
  }

  bool has_keys = true;

 private:
  std::mt19937_64 random_;
};

}  // namespace tandem::report
