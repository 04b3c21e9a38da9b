// A twin route with an experiment: finds the arm that a request belongs to, keeps what the statistics need to know of it,
// lets control answer for a candidate that fails, and says in the answer what was done (experiments.md §5.2–5.6).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "experiment/experiment.hpp"
#include "experiment/key.hpp"
#include "experiment/murmur3.hpp"
#include "experiment/pin.hpp"
#include "experiment/split_handler.hpp"
#include "service/handler.hpp"

namespace tandem::experiment {

// Where a request belongs, and why.
struct Assignment {
  std::size_t arm = 0;
  service::AssignedBy by = service::AssignedBy::none;
  unsigned bucket = 0;
  std::string_view source;  // of the key, as written in the config: "cookie:uid"; empty: the request had none
  bool is_counted = false;  // by the statistics
};

class ExperimentHandler final : public service::Handler {
 public:
  // `arms` in the order of the experiment's. The settings are those of this table; clock and experiment outlive their loops.
  // The settings' rules of comparison have been checked.
  ExperimentHandler(std::vector<Arm> arms, PinRule pins, Settings settings, std::shared_ptr<Experiment> experiment,
                    const Clock& clock);

  service::Outcome handle(http::Request& request, service::Call& call) const override;

  // Where a request would belong, without serving it: notes of the trial go into `call`, the key into `key`.
  Assignment assign(const http::Request& request, service::Call& call, const Layout& layout, Key& key) const;

  // "key=cookie:uid; bucket=7312; layout=cpp[7000-9999]; epoch=4"
  std::string explain(const Assignment& assignment, bool is_minted, const Layout& layout) const;

  const std::vector<Arm>& arms() const { return arms_; }
  const Settings& settings() const { return settings_; }
  const Experiment& experiment() const { return *experiment_; }
  const std::shared_ptr<Experiment>& shared_experiment() const { return experiment_; }

 private:
  // What a client asks of the split.
  struct Wish {
    std::optional<std::size_t> arm;
    bool explain = false;
    bool denied = false;
  };
  // A request at a candidate.
  struct Attempt {
    std::size_t arm = 0;
    Breaker::Admission admission = Breaker::Admission::yes;
    std::uint64_t revision = 0;
    bool is_exposed = false;
  };

  Wish read_wish(const http::Request& request, const service::Call& call) const;
  std::optional<std::size_t> find_arm(std::string_view name) const;
  bool may_share(const http::Request& request) const;
  bool may_fall_back(const http::Request& request) const;

  void name_arm(service::Call& call, std::size_t arm) const;
  void expose(service::Call& call, std::size_t arm, std::uint64_t revision) const;

  service::Outcome answer(http::Request& request, service::Call& call, Attempt attempt) const;
  service::Outcome answer_watched(http::Request& request, service::Call& call, Attempt attempt,
                                  std::shared_ptr<ShadowJob> job) const;
  Task<http::Response> answer_watched_with_body(http::Request& request, service::Call& call, Attempt attempt,
                                                std::shared_ptr<ShadowJob> job) const;
  service::Outcome serve(http::Request& request, service::Call& call, Attempt attempt) const;
  service::Outcome try_candidate(http::Request& request, service::Call& call, Attempt attempt) const;
  Task<http::Response> try_with_body(http::Request& request, service::Call& call, Attempt attempt) const;
  service::Outcome try_now(http::Request& request, service::Call& call, Attempt attempt) const;
  Task<http::Response> settle(Task<http::Response> task, http::Request& request, service::Call& call, Attempt attempt) const;
  bool must_replace(const http::Response* response, const http::Request& request, const service::Call& call,
                    const Attempt& attempt) const;
  void report_trip(std::size_t arm, const std::string& why) const;
  service::Outcome answer_for_candidate(int status, http::Request& request, service::Call& call, Attempt attempt) const;

  std::vector<Arm> arms_;
  PinRule pins_;
  Settings settings_;
  std::optional<ShadowPlan> shadow_plan_;
  std::shared_ptr<Experiment> experiment_;
  const Clock& clock_;
  KeyHash assign_hash_;
  KeyHash shadow_hash_;
  KeyHash cluster_hash_;
};

// "hash", "override", "switchback", "default", "fallback", "rollback"; empty for none.
std::string_view format_assigned_by(service::AssignedBy by);

}  // namespace tandem::experiment
