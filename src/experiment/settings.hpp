// What the configuration says of one experiment, as plain values: the object `experiment` of a twin route, checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "comparison/settings.hpp"

namespace tandem::experiment {

// Where the key that makes assignment sticky is looked for; the first source that a request has is taken.
struct KeySource {
  enum class Kind : std::uint8_t { cookie, header, query, path, client_ip, mint, random };
  Kind kind = Kind::random;
  std::string name;           // of the cookie, field, parameter; "tandem_id" for mint
  unsigned ipv4_prefix = 32;  // of client_ip: bits that count
  unsigned ipv6_prefix = 128;
  std::string text;  // as written: "cookie:uid", the label of metrics
};

enum class Assign : std::uint8_t { sticky, request, switchback };
enum class Analysis : std::uint8_t { matched, all };
enum class Expose : std::uint8_t { off, override_only, all };

struct ArmShare {
  std::string name;
  unsigned weight_bp = 0;  // basis points of the file's shares, by the largest remainder; the sum is 10000
};

struct ShadowSettings {
  std::string candidate;
  double sample = 1;                                           // share of keys
  std::vector<std::string> methods{"GET", "HEAD", "OPTIONS"};  // others only where the file says they are safe
  std::optional<std::vector<std::string>> headers;             // the fields that are copied; none: all but hop-by-hop ones
  unsigned concurrency = 1;
  std::size_t queue = 256;
  std::uint64_t body_bytes = 64 * 1024;
  unsigned per_second = 0;              // 0: no cap
  std::optional<Milliseconds> timeout;  // else twice control's p99, at most 5 s
  double cpu_budget = 0.1;              // share of one core, averaged over 10 s
  double noise = 0.1;                   // share of shadows that run control again
  bool verify = false;                  // only in every other window, to see what shadows cost live requests
  bool swap = false;
};

struct GuardrailSettings {
  enum class Metric : std::uint8_t { errors, timeouts, latency, cpu, mismatch, srm };
  enum class Action : std::uint8_t { rollback, hold, warn };
  Metric metric = Metric::errors;
  double quantile = 0;  // of latency: 0.99; 0: the mean
  double margin = 1.5;  // ratio candidate / control, above 1; of mismatch: the rate itself; of srm: none
  Action action = Action::rollback;
  std::optional<double> alpha;  // else an equal part of the experiment's 0.01
};

struct ScheduleStep {
  unsigned weight_bp = 0;
  Milliseconds min_time{0};
  std::uint64_t min_requests = 0;  // of the candidate, since the step began
  std::uint64_t min_windows = 0;
  bool manual = false;  // begins when somebody approves it
  // Metrics that have to be "not worse" or "equivalent" in the report before the next step.
  struct Requirement {
    std::string metric;
    bool equivalent = false;
  };
  std::vector<Requirement> require;
};

struct Settings {
  std::string id;
  std::string route;  // its name
  std::vector<ArmShare> arms;
  std::string control;
  std::string salt;  // default: the id
  std::vector<KeySource> key;
  Assign assign = Assign::sticky;
  Analysis analysis = Analysis::matched;
  Expose expose = Expose::override_only;
  bool cacheable = false;       // by shared caches, though arms may differ
  bool override_query = false;  // tandem_arm and tandem_token in the query may pin
  bool fallback = false;        // to control
  bool idempotent = false;      // other methods than GET, HEAD, OPTIONS may be run again
  bool start = true;            // state at first sight: running, else draft
  Milliseconds mint_max_age{std::chrono::hours(24 * 365)};
  Milliseconds block{30'000};      // of a switchback
  Milliseconds washout{3'000};     // of a block, left out of the statistics
  Milliseconds window{10'000};     // unit of analysis
  unsigned cpu_sample = 16;        // one request in so many
  unsigned planned_windows = 180;  // W* of experiments.md §6.3
  unsigned min_windows = 30;
  Milliseconds min_time{300'000};
  double margin = 0.05;           // of "equivalent": means and CPU
  double quantile_margin = 0.10;  // of quantiles
  std::optional<ShadowSettings> shadow;
  comparison::Settings compare;
  std::vector<GuardrailSettings> guardrails;
  std::vector<ScheduleStep> schedule;
  std::optional<std::chrono::system_clock::time_point> not_after;  // a schedule that is not through by then stands still
  std::string webhook;                                             // URL; empty: none
};

}  // namespace tandem::experiment
