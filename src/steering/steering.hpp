// The experiments of a running server: what they are, who may change them, what they keep across restarts, and when they
// change by themselves (experiments.md §5.11 to §5.13). All of it happens on one thread, one thing at a time; I/O threads
// only ever see a new layout.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/loop.hpp"
#include "experiment/experiment.hpp"
#include "http/response.hpp"
#include "measure/collector.hpp"
#include "measure/recorder.hpp"
#include "report/report.hpp"
#include "steering/guardrails.hpp"
#include "steering/saved_life.hpp"
#include "steering/schedule.hpp"
#include "steering/state_directory.hpp"
#include "steering/webhook.hpp"

namespace tandem::steering {

// What a client of the admin side asks.
struct Question {
  enum class Kind : std::uint8_t { list, show, change, report, state, diffs, explain, gate, audit };
  Kind kind = Kind::list;
  std::string id;      // of the experiment, or its route's name
  std::string action;  // of a change
  std::string query;
  std::string body;
  std::string if_match;
  std::string if_none_match;
  std::string by;  // for the audit log
};

class Steering {
 public:
  // `loops`: the I/O threads'; they run from start() to stop(). `state_dir`: opened when there is an experiment to keep.
  // `fault`: of writing its files, for tests.
  Steering(std::string state_dir, std::vector<Loop*> loops, const Clock& clock, Fault fault = {});
  ~Steering();
  Steering(const Steering&) = delete;
  Steering& operator=(const Steering&) = delete;

  // Thread: main.
  void start();
  // Keeps what is to be kept and ends the thread. After it only the destructor.
  void stop();

  // The experiment that these settings mean: the one that runs, if id, arms, control and salt are the same, else another
  // with what is saved of it. It changes nothing of what is served. Thread: any but its own.
  std::shared_ptr<experiment::Experiment> prepare(const experiment::Settings& settings);

  struct Adopted {
    std::shared_ptr<experiment::Experiment> experiment;
    experiment::Settings settings;
    std::vector<std::string> backends;  // by arm: "native", "python"
  };
  // These experiments are served from now on, and no others. Thread: any but its own.
  void adopt(std::vector<Adopted> experiments);

  // Calls `done` once, on its own thread.
  void ask(Question question, std::function<void(http::Response)> done);

  // Prometheus text of the experiments' gauges, as of the last second. Thread: any.
  std::string metrics() const;

 private:
  // An experiment that is served.
  struct Subject {
    std::shared_ptr<experiment::Experiment> experiment;
    experiment::Settings settings;
    Life life;
    std::shared_ptr<measure::Recorder> recorder;
    report::State state;                                  // what was measured, and what happened
    bool has_new_state = false;                           // since it was saved
    std::string unsaved_state;                            // why it was not
    std::vector<Judgement> judgements;                    // the newest of each guardrail
    std::set<std::pair<std::size_t, std::size_t>> fired;  // guardrails and arms that have fired since `judged_from`
    std::int64_t judged_window = 0;                       // the newest window that has been judged
    SharesSince shares_since;
    std::vector<std::pair<std::string, std::string>> effects;  // labels and values for the metrics, every ten seconds
    std::string waiting_for;                                   // of the schedule
    std::string unpersisted;                                   // why the disk does not know what runs; empty: it does
    std::deque<AuditEntry> unwritten;                          // entries that the audit log has not got yet
  };
  // One that has been prepared and is not served yet.
  struct Prepared {
    std::weak_ptr<experiment::Experiment> experiment;
    std::shared_ptr<measure::Recorder> recorder;
    Adoption adoption;
    report::State state;
    std::optional<AuditEntry> unaudited;  // a revision on disk of which the audit log has no line
  };

  void run();
  void tick();
  void post(std::function<void()> work);
  template <class T>
  T wait_for(std::function<T()> work);

  std::shared_ptr<experiment::Experiment> prepare_here(const experiment::Settings& settings);
  void adopt_here(std::vector<Adopted> experiments);
  Adoption load(const experiment::Settings& settings, std::uint64_t requests);
  std::optional<AuditEntry> unaudited(const experiment::Settings& settings, const Adoption& adoption);
  report::State load_state(const experiment::Settings& settings);
  void save_state(Subject& subject);
  void describe_state(Subject& subject, const std::vector<std::string>& backends);
  void forget_answers(Subject& subject);
  void collect();
  StateDirectory* directory();  // null: there is none, and directory_error_ says why

  // The one way in which a life changes.
  struct Order {
    std::string action;
    std::string actor;
    Json evidence;
    bool may_be_unpersisted = false;  // takes effect even if it raises a candidate and the disk won't have it
  };
  Result<void> commit(Subject& subject, Life after, const Order& order);
  Result<void> change(Subject& subject, Change change, Json evidence = nullptr);
  Result<void> persist(Subject& subject, const Life& life);
  void write_audit(Subject& subject, AuditEntry entry);
  void retry(Subject& subject);
  void step_schedule(Subject& subject);
  void judge_guardrails(Subject& subject);
  void act_on(Subject& subject, const Judgement& judgement);
  void publish_metrics();
  static std::vector<std::pair<std::string, std::string>> effect_samples(const Subject& subject);
  void roll_back(const std::string& id, const std::string& actor, const std::string& why, Json evidence);

  http::Response answer(const Question& question);
  http::Response answer_change(Subject& subject, const Question& question);
  http::Response answer_audit(const Question& question);
  http::Response answer_explain(const Subject& subject, const Question& question);
  http::Response answer_report(const Subject& subject, const Question& question);
  http::Response answer_gate(const Subject& subject);
  RampDecision decide_ramp(const Subject& subject, RampFacts& facts) const;
  Json describe(const Subject& subject) const;
  Subject* find(const std::string& id);

  const std::string state_dir_;
  const Fault fault_;
  const std::vector<Loop*> loops_;
  const Clock& clock_;

  // Touched on its own thread only.
  std::map<std::string, Subject> subjects_;
  measure::Collector collector_;
  std::vector<Prepared> prepared_;
  std::optional<StateDirectory> directory_;
  std::string directory_error_;
  unsigned ticks_ = 0;
  Webhook webhook_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  bool stopping_ = false;

  mutable std::mutex metrics_mutex_;
  std::string metrics_;  // guarded by metrics_mutex_

  std::thread thread_;
};

}  // namespace tandem::steering
