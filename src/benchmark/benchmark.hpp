// A benchmark of two arms, or of two servers: what was asked for, what the blocks measured, and what may be said of it
// (experiments.md §6.9, §10). One model, from which text, Markdown, JSON and the page are made. Durations in ns.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "comparison/compare.hpp"
#include "loadgen/block.hpp"
#include "loadgen/schedule.hpp"
#include "statistics/blocks.hpp"
#include "statistics/verdict.hpp"

namespace tandem::benchmark {

using loadgen::Arrivals;
std::string_view name_of(Arrivals arrivals);

// "p99=20ms": the latency that the capacity search keeps.
struct Goal {
  double quantile = 0.99;
  Nanoseconds limit{0};
  std::string text;  // as given
};

struct Plan {
  double rate = 100;  // requests a second
  Arrivals arrivals = Arrivals::poisson;
  std::size_t connections = 16;
  std::size_t pairs = 8;
  std::size_t calibration_pairs = 3;
  Nanoseconds block{10'000'000'000};
  Nanoseconds washout{2'000'000'000};
  Nanoseconds timeout{10'000'000'000};
  std::uint64_t seed = 1;
  std::optional<Goal> goal;
  double alpha = 0.05;
  double margin = 0.05;           // of "equivalent": mean, p50, CPU
  double quantile_margin = 0.10;  // p90 and above
};

struct Subject {
  std::string name;     // "cpp"
  std::string backend;  // "native"; empty: unknown
  std::string url;      // where it was asked
};

// A step of the capacity search, or of its confirmation.
struct CapacityStep {
  double rate = 0;
  double achieved = 0;
  double latency = 0;  // at the goal's quantile
  bool is_kept = false;
  bool is_confirmation = false;
  std::string why;  // it is not kept: "latency", "load not carried", "12 wrong statuses"
};
struct Capacity {
  double rate = 0;                       // the highest that kept the goal, three times again; 0: none
  bool is_unsteady = false;              // no rate that kept it once did so three times again
  bool is_limited_by_generator = false;  // the generator could do no more: the arm may
  std::vector<CapacityStep> steps;
};

// Answers of both to the same requests, without timing.
struct AnswerCheck {
  std::uint64_t requests = 0;
  std::uint64_t different = 0;
  std::uint64_t unstable = 0;  // those that control answers differently each time: not judged
  std::uint64_t failed = 0;    // no whole answer of one of them
  struct Sample {
    std::string request;  // "GET /fib/20"
    std::vector<comparison::Difference> differences;
  };
  std::vector<Sample> samples;  // at most 20
};

// All that was done. Pure values: a report is made of it and of nothing else.
struct Run {
  std::string title;  // "fib"
  Subject control;
  Subject candidate;
  Plan plan;
  std::size_t distinct_requests = 0;  // of the corpus
  std::string example;                // "GET /fib/20"
  std::string machine;                // "2 CPUs, generator on 0, server on 1"
  std::string version;                // of Tandem
  std::int64_t started_unix_ms = 0;
  std::vector<loadgen::Block> blocks;  // in the order they ran, calibration first
  std::array<double, 2> idle_cpu{};    // by side, of one core: what it uses without load; taken off the cost of requests
  std::optional<AnswerCheck> answers;
  std::optional<Capacity> capacity_control;
  std::optional<Capacity> capacity_candidate;
  bool is_interrupted = false;
  std::vector<std::string> notes;  // what a reader has to know: "answers of GET /now are not compared"
};

enum class Metric : std::uint8_t { mean, p50, p90, p99, p999, cpu };
std::string_view name_of(Metric metric);  // "mean", "p50", "p90", "p99", "p99.9", "cpu"

struct Effect {
  Metric metric = Metric::mean;
  double control = 0;  // ns, CPU in ns per request; pooled over the blocks
  double candidate = 0;
  double ratio = 0;  // geometric mean over pairs of blocks; 0: there is none
  statistics::Interval interval;
  double sign_flip_p = 1;
  double noise = 0;  // how far control was from itself in a pair of blocks, at most: 1.04 is 4 %; 0: not calibrated
  bool is_judged = false;
  statistics::Verdict verdict;
  std::string why;  // it is not judged: "p99 needs 299 requests in each block"
};

struct Check {
  std::string name;    // "generator on time"
  std::string value;   // "p99 0.08 ms late"
  std::string demand;  // "at most 1 ms, or 5 % of the median latency"
  bool is_ok = true;
};

struct Totals {
  std::uint64_t planned = 0;
  std::uint64_t answered = 0;
  std::uint64_t wrong_status = 0;  // answers with another status than expected: they say nothing of latency
  std::uint64_t wrong_body = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t socket_errors = 0;
  std::uint64_t censored = 0;
  double achieved_rate = 0;  // requests a second
  double rss_bytes = -1;     // the most of all blocks; −1: unknown
  loadgen::Latencies latency;
  loadgen::Latencies service;

  std::uint64_t errors() const { return wrong_status + wrong_body + timeouts + socket_errors + censored; }
};

struct Findings {
  bool is_valid = false;
  bool is_complete = false;   // all planned blocks ran
  std::vector<Check> checks;  // the validity block
  Totals control;
  Totals candidate;
  std::vector<Effect> effects;
  std::vector<std::string> sentences;  // what it says, for a person
};

// Pure.
Findings evaluate(const Run& run);

std::string to_text(const Run& run, const Findings& findings);
std::string to_json(const Run& run, const Findings& findings);
std::string to_markdown(const Run& run, const Findings& findings);
std::string to_html(const Run& run, const Findings& findings);  // a page, one file

// Several routes, one table.
struct Suite {
  std::string title;  // the config's name
  std::vector<Run> runs;
  struct Skipped {
    std::string route;
    std::string why;
    bool is_failure = false;  // it should have been measured, but could not be
  };
  std::vector<Skipped> skipped;
  std::vector<std::string> notes;  // what a reader has to know of all of them
};
std::string to_text(const Suite& suite);
std::string to_json(const Suite& suite);
std::string to_markdown(const Suite& suite);
std::string to_html(const Suite& suite);

// "p99>1.2", "mean>=1.1", "errors>0.01", "cpu<0.5", "differences>0"; several are parted by commas.
enum class Outcome : std::uint8_t { pass = 0, fail = 1, undecided = 3, invalid = 4 };
struct Condition {
  std::string subject;   // a Metric's name, "errors" (the candidate's share), "differences" (answers)
  std::string relation;  // ">", ">=", "<", "<="
  double limit = 0;
};
Result<std::vector<Condition>> parse_conditions(std::string_view text);
// Fails when an effect's whole interval fulfils a condition; passes when no interval touches any; else undecided.
Outcome judge(const Run& run, const Findings& findings, const std::vector<Condition>& conditions);

}  // namespace tandem::benchmark
