// Runs a benchmark: checks the answers of both, loads them in turn in blocks, searches their capacity. Blocks; one thread.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.hpp"
#include "comparison/rules.hpp"
#include "loadgen/generator.hpp"

namespace tandem::benchmark {

// What a server has used since it started.
struct Cost {
  double cpu_seconds = 0;
  double rss_bytes = 0;
};

struct Opponent {
  Subject subject;
  loadgen::Address address;
  std::string host;                                         // the Host field
  std::vector<std::pair<std::string, std::string>> fields;  // sent with each request: a pin, a token
  std::string arm;                                          // that must answer; empty: the server has no arms
  std::function<std::optional<Cost>()> cost;                // may be empty: unknown
  std::function<std::uint64_t()> revision;                  // of what it serves; may be empty: unknown
};

struct Progress {
  std::string doing;  // "pair 3 of 8: py, 240 requests a second"
  double share = 0;   // 0 … 1
  Nanoseconds left{0};
};

struct Orders {
  Orders(comparison::Rules comparison_rules, const std::atomic<bool>& stop_flag)
      : rules(std::move(comparison_rules)), stop(stop_flag) {}

  std::string title;
  Opponent control;
  Opponent candidate;
  std::vector<loadgen::PlannedRequest> requests;  // not empty
  Plan plan;                                      // a rate of 0: a third of what the slower one did in a probe
  comparison::Rules rules;
  bool is_check_only = false;
  std::string machine;
  std::string version;
  std::int64_t started_unix_ms = 0;
  std::function<void(const Progress&)> tell;
  const std::atomic<bool>& stop;  // set: it ends soon, with what is done
};

// Errors: one of them does not answer at all.
Result<Run> hold(const Orders& orders);

}  // namespace tandem::benchmark
