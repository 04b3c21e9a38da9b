// What may be said of an experiment: one model, from which text, Markdown, JSON and the page are made (experiments.md §5.10,
// §5.15). Durations in nanoseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/state.hpp"
#include "statistics/interval.hpp"
#include "statistics/verdict.hpp"

namespace tandem::report {

enum class Standing : std::uint8_t { no_data, too_little, invalid, judged };

enum class Metric : std::uint8_t { mean, p50, p95, p99, p999, cpu, errors, bytes };

// Control against itself in neighbouring windows: what the same figures show where there is nothing to find. An upper bound,
// since the load may change in between, which two arms meet together.
struct NoiseFloor {
  double ratio = 0;
  statistics::Interval interval;
};

// One line of the effect table.
struct Effect {
  Metric metric = Metric::mean;
  Standing standing = Standing::no_data;
  std::string why;     // what is missing or wrong, where it is not judged; what is known, where there is no ratio
  double control = 0;  // ns, bytes a request, or a share
  double candidate = 0;
  double ratio = 0;  // 0: there is none; judged, it is of errors that neither arm had
  statistics::Interval interval;
  double alpha = 0;
  double margin = 0;
  statistics::Verdict verdict;
  std::uint64_t windows = 0;
  double design_effect = 1;       // the larger of both arms'; 1 for means, whose windows are the unit
  bool is_wider_by_keys = false;  // clients differ more than windows do: the interval is theirs
  std::optional<NoiseFloor> noise_floor;
};

struct Health {
  std::uint64_t windows = 0;       // with requests of both arms
  std::uint64_t full_windows = 0;  // with 20 of both at least
  std::int64_t window_seconds = 0;
  std::int64_t seconds = 0;  // from the first window to the last
  std::uint64_t requests_control = 0;
  std::uint64_t requests_candidate = 0;
  bool has_keys = false;           // else requests are drawn one by one
  std::uint64_t keys_control = 0;  // distinct, estimated from a sample
  std::uint64_t keys_candidate = 0;
  double effective_clusters = 0;  // of the smaller arm's keys
  double ratio_p = 1;             // sample ratio, at a fixed time
  double ratio_ln_e = 0;          // and at any time
  double ratio_deviation = 0;
  double concurrency = 1;            // share of the windows with requests that have both arms'
  std::vector<std::string> invalid;  // reasons
  std::vector<std::string> warnings;
};

struct Stages {
  double queue = 0;  // mean per request
  double gil = 0;
  double exec = 0;
  double total = 0;  // the whole, with what is in no stage: reading, routing, handing over the answer
};

struct FindingLine {
  comparison::Signature signature;
  comparison::Finding finding;
  double ln_e = 0;       // that the candidate has it more often than control against itself
  bool is_real = false;  // by e-BH over all signatures; else it may be noise
};

struct Answers {
  std::uint64_t compared = 0;
  std::uint64_t mismatches = 0;
  std::uint64_t noise = 0;
  std::uint64_t errors = 0;
  std::uint64_t skipped = 0;
  std::uint64_t triples = 0;
  statistics::Interval rate;  // of mismatches, at any time
  std::size_t live_shapes = 0;
  std::size_t covered_shapes = 0;
  std::uint64_t lost_findings = 0;
  std::vector<FindingLine> findings;  // the most frequent first
};

// A point of the plots.
struct WindowPoint {
  std::int64_t unix_seconds = 0;
  std::uint64_t requests_control = 0;
  std::uint64_t requests_candidate = 0;
  double mean_control = 0;
  double mean_candidate = 0;
};
struct ShiftPoint {
  double p = 0;
  double ratio = 0;
  statistics::Interval band;
};

// Latencies over time, of both arms on the same axes.
struct HeatMap {
  std::int64_t since = 0;  // Unix seconds
  std::int64_t column_seconds = 0;
  std::vector<double> borders;  // of the rows, in ns: one more than there are rows
  // Requests by column, then row.
  std::vector<std::vector<std::uint64_t>> control;
  std::vector<std::vector<std::uint64_t>> candidate;
};

// What was known of a metric's ratio at the end of a window: all windows up to there.
struct ProgressPoint {
  std::int64_t unix_seconds = 0;
  double ratio = 0;  // 0: there is none
  statistics::Interval interval;
};
struct Progress {
  Metric metric = Metric::mean;
  double guardrail = 0;  // the ratio beyond which one acts; 0: none
  std::vector<ProgressPoint> points;
};

struct Pictures {
  HeatMap heat;
  std::vector<Progress> progress;  // mean, p99, CPU, errors, and what else has a guardrail
};

struct CandidateReport {
  std::string name;
  std::string backend;
  unsigned weight_bp = 0;
  Standing standing = Standing::no_data;
  std::string why;
  std::vector<std::string> sentences;  // one a goal: answers, cost, tail, errors
  Health health;
  std::vector<Effect> effects;
  Stages stages_control;
  Stages stages_candidate;
  double error_ln_e = 0;  // that errors come more often from the candidate (one-sided, at any share)
  statistics::Interval error_ratio;
  std::optional<Answers> answers;  // none: nothing was compared
  std::vector<WindowPoint> over_time;
  std::vector<ShiftPoint> shift;
  std::optional<Pictures> pictures;  // of Depth::everything
};

// What shadows do to live requests of control: windows with them (as "candidate") against those without.
struct ShadowCost {
  std::vector<Effect> effects;  // p50, p99
  std::uint64_t pairs = 0;      // of neighbouring windows
};

struct Report {
  std::string experiment;
  std::string route;
  std::string salt;
  std::string assign;
  std::string state;
  std::uint64_t revision = 0;
  std::string control;
  std::string control_backend;
  bool is_matched = true;
  Demands demands;
  std::vector<CandidateReport> candidates;
  std::optional<ShadowCost> shadow_cost;  // none: nobody asked
  std::vector<Event> events;
  std::vector<Guardrail> guardrails;
};

std::string_view name_of(Standing standing);  // "no data", "too little", "invalid", "judged"
std::string_view name_of(Metric metric);      // "mean", "p99.9", "cpu", …

// Verdicts are what a gate asks for, time and again; everything is what people read: noise floors and pictures as well.
enum class Depth : std::uint8_t { verdicts, everything };

// Pure: the same state is the same report.
Report evaluate(const State& state, Depth depth = Depth::verdicts);

std::string to_json(const Report& report);      // schema 1, for programs
std::string to_text(const Report& report);      // for a terminal
std::string to_markdown(const Report& report);  // for a pull request
std::string to_html(const Report& report);      // one file for a browser, of Depth::everything

}  // namespace tandem::report
