// Made-up traffic of one experiment, window by window, as the server would have counted it: what the simulation judges.
//
// A request of an arm takes base · drift(t) · user's factor · exp(sigma · Z) · the candidate's factors, Z standard normal,
// and when it arrives while its arm is frozen, the rest of the freeze on top. Drift is shared by both arms, freezes are not.
#pragma once

#include <array>
#include <boost/random/mersenne_twister.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tandem::simulate {

inline constexpr std::size_t kClusters = 64;
enum Arm : std::size_t { control = 0, candidate = 1 };  // also indices

// Traffic that differs from plain lognormal answers in the ways named here; what is 0 or empty is switched off.
struct Model {
  std::string name;
  unsigned windows = 180;
  double window_seconds = 10;
  double requests_per_second = 200;  // both arms together, analysed or not
  double base_ms = 20;
  double sigma = 0.8;

  double drift = 0;            // amplitude of ln(latency): a 20-minute wave and a random walk of that size over the run
  double stall_every = 0;      // seconds between two freezes of an arm, exponential
  double stall_seconds = 0;    // length of a freeze, exponential
  double stall_errors = 0;     // share of requests in a freeze that fail
  unsigned users = 0;          // sticky users; 0: every request has a key of its own
  double pareto = 0;           // shape of the users' activity
  double user_sigma = 0;       // spread of ln(user's factor): some users ask for more than others
  std::vector<double> ramp{};  // the candidate's share in equal parts of the run; empty: one half throughout
  double error_rate = 0.005;   // of a request, outside freezes; drifts with the latency

  double candidate_scale = 1;   // of every latency of the candidate
  double candidate_tail = 1;    // of the slowest twentieth of its latencies on top
  double candidate_errors = 1;  // of its error rate
};

// What is added up of some requests. `below[i]` is the number of requests in histogram buckets before i
// (observe::Histogram's).
struct Sums {
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  double nanoseconds = 0;
  double squares = 0;  // of nanoseconds; only what a naive test wants to know
};

struct Window {
  Sums sums;
  std::vector<std::uint32_t> below;
};

// One arm's requests that are compared (matched analysis), and for guardrails all of them.
struct ArmLog {
  Sums total;
  std::vector<std::uint64_t> counts;  // by bucket
  std::vector<Window> windows;
  std::array<Sums, kClusters> clusters{};
  std::array<std::vector<std::uint32_t>, kClusters> cluster_counts;  // by bucket; empty without users
  std::vector<Sums> windows_of_all;                                  // matched or not; no latencies in them
  std::uint64_t users = 0;                                           // distinct ones seen
};

// One request, for who counts by himself.
struct Request {
  double bucket = 0;  // 0..1, the client's
  bool has_user = false;
  std::uint32_t hash = 0;  // of the client, for clusters
  bool failed = false;
  double nanoseconds = 0;       // that the client waited
  double work_nanoseconds = 0;  // of it outside freezes
};

class Traffic {
 public:
  using Listener = std::function<void(const Request&)>;

  // `listener` is told of every request, compared or not.
  Traffic(const Model& model, std::uint64_t seed, Listener listener = {});

  double next_share() const;  // the candidate's in the window to come
  void next_window();         // adds one window to both logs
  const std::array<ArmLog, 2>& arms() const { return arms_; }

 private:
  struct User {
    double bucket;  // 0..1: the candidate has the upper end, its mirror image in control the lower one
    double factor;
    std::uint32_t cluster;
    bool seen = false;
  };
  struct Frozen {
    double from = 0;
    double to = 0;
  };

  void make_users();
  std::size_t pick_user();
  void add_request(double at, double share, User* user);
  double drift_at(double at) const;
  double wait_in_freeze(Arm arm, double at) const;
  void make_freezes();

  const Model& model_;
  const Listener listener_;
  boost::random::mt19937_64 random_;
  std::array<ArmLog, 2> arms_;
  std::vector<User> users_;
  std::vector<double> alias_share_;  // Walker's alias table of the users' activity
  std::vector<std::uint32_t> alias_other_;
  std::vector<double> walk_;  // the drift's random part, by window
  std::array<std::vector<Frozen>, 2> freezes_;
};

}  // namespace tandem::simulate
