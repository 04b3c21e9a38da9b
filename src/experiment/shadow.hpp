// Runs the candidate in the shadow of control: on a copy of the request, once control's answer is on its way, at no cost of
// a live request; then both answers are compared (experiments.md §5.7, §5.8).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/loop.hpp"
#include "comparison/rules.hpp"
#include "comparison/tally.hpp"
#include "experiment/comparer.hpp"
#include "experiment/layout.hpp"
#include "experiment/settings.hpp"
#include "experiment/split_handler.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "observe/metrics.hpp"
#include "service/call.hpp"

namespace tandem::experiment {

class ShadowJob;

// What of one route table concerns its shadows; the table outlives its jobs.
struct ShadowPlan {
  ShadowSettings settings;
  std::shared_ptr<const comparison::Rules> rules;
  std::vector<Arm> arms;
  std::size_t control = 0;
  std::size_t candidate = 0;
  std::string route;
  std::int64_t window_seconds = 10;  // of the experiment's windows
};

// One experiment's shadows. It outlives reloads, as the experiment does, and its jobs keep it. Thread: any, where nothing
// else is said.
class Shadow : public std::enable_shared_from_this<Shadow> {
 public:
  // Why a live request has no shadow, or how its shadow ended.
  enum class Fate : std::uint8_t {
    done,
    timeout,
    error,
    other_arm,  // the rest are skipped: answered by another arm than the one that is shadowed
    method,
    body_too_large,
    queue_full,
    cpu_budget,
    sampled_out,
    rate,
    verify,  // a window without shadows
    draining,
    unanswered  // the client left, or control failed before it answered
  };
  static constexpr std::size_t kFates = 13;

  explicit Shadow(unsigned io_threads);
  ~Shadow();

  // The job of a request that is to be shadowed, or of whose answer at least the shape is noted, to be told of its answer;
  // null, and counted why, for one that is neither. Call
  // it once for each live request, when its arm is known. Thread: the loop's.
  std::shared_ptr<ShadowJob> consider(const ShadowPlan& plan, std::size_t live_arm, const http::Request& request,
                                      const service::Call& call);

  // What waits is dropped, what runs is cancelled, and requests that are being answered get no shadow any more.
  void drop();
  // Does the experiment run? When it ends to, all that is under way is dropped.
  void set_running(bool is_running);
  // The server stops: it is dropped for good.
  void stop();

  // What was found by comparing with that candidate since the last time.
  std::map<std::string, comparison::Tally> take() { return comparer_.findings().take(); }

  std::uint64_t count(Fate fate) const;
  // The families tandem_shadow_total and tandem_shadow_seconds of this experiment.
  void append_metrics(std::string& out, std::string_view route) const;

 private:
  friend class ShadowJob;
  struct Lane;
  Lane& lane(Loop& loop);
  Fate judge(Lane& lane, const ShadowPlan& plan, std::size_t live_arm, const http::Request& request,
             const service::Call& call);
  void count_one(Fate fate) { fates_[static_cast<std::size_t>(fate)].fetch_add(1, std::memory_order_relaxed); }
  void look(ShadowJob& job);
  void enqueue(std::shared_ptr<ShadowJob> job);
  void pump(Lane& lane);
  void pump_soon(Lane& lane);
  Task<void> run(Lane& lane, std::shared_ptr<ShadowJob> job);
  struct Run;
  Task<void> execute(Lane& lane, const ShadowJob& job, std::size_t arm, Run& run) const;
  void put_back(Lane& lane, std::shared_ptr<ShadowJob> job);
  bool may_begin(const ShadowJob& job, std::size_t arm) const;
  void conclude(ShadowJob& job, Run other, Run again);
  bool is_dropped(const ShadowJob& job) const;

  const unsigned io_threads_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // by loop, made by its thread
  std::array<std::atomic<std::uint64_t>, kFates> fates_{};
  std::atomic<unsigned> running_{0};
  std::atomic<std::size_t> waiting_{0};  // in the queues of all lanes
  std::atomic<bool> stopping_{false};
  std::atomic<bool> is_running_{true};
  std::atomic<unsigned> drops_{0};  // jobs from before the last one are not run
  mutable observe::SharedHistogram seconds_;
  Comparer comparer_;
  std::mutex mutex_;  // guards what follows
  std::vector<std::pair<Loop*, Lane*>> known_lanes_;
};

// May shadows have a copy of that field of a request? Not if it is about the connection, or would choose the arm.
bool may_copy_field(std::string_view name);

// A copy of a request, and control's answer as it goes out.
class ShadowJob final : public service::AfterAnswer, public std::enable_shared_from_this<ShadowJob> {
 public:
  ShadowJob(std::shared_ptr<Shadow> shadow, const ShadowPlan& plan, std::size_t live_arm, const http::Request& request,
            const service::Call& call);
  ~ShadowJob() override;

  // The body, where the request has one.
  void set_body(std::string_view body) { body_ = body; }
  // Notes the answer; one that is streamed is noted while it passes.
  http::Response watch(http::Response response);
  void answered(const service::Call& call) override;

 private:
  friend class Shadow;
  struct Text {
    std::size_t offset = 0;
    std::size_t length = 0;
  };
  struct Field {
    http::Field id;
    Text name, value;
  };

  Text keep(std::string_view text);
  std::string_view view(Text text) const { return std::string_view(texts_).substr(text.offset, text.length); }
  void fill(http::Request& request, http::RequestBody& body) const;
  void settle(Shadow::Fate fate);
  // Its fate is counted already: it only brings what control answers.
  void settle_as_look() { is_look_ = is_settled_ = true; }

  const std::shared_ptr<Shadow> shadow_;
  const ShadowPlan& plan_;
  const std::size_t live_arm_;
  const std::size_t other_arm_;
  const unsigned drops_;  // of the shadow, when it was made
  Loop& loop_;
  service::Peer peer_;
  std::shared_ptr<const void> table_;  // keeps handlers and names alive
  std::string id_;
  http::Method method_;
  http::Version version_;
  std::string texts_;
  Text method_text_, target_, path_, query_, authority_, scheme_, root_;
  std::vector<Field> fields_;
  std::vector<std::pair<std::string_view, Text>> params_;  // names are of the table
  std::string body_;
  comparison::Answer live_;
  bool is_complete_ = false;  // all of the live answer was seen
  bool is_settled_ = false;
  bool is_look_ = false;
};

}  // namespace tandem::experiment
