// A loop's part of the pool: its lanes to every executor, its jobs, their deadlines. A request goes from the connection's
// coroutine straight into the lane of an executor that has room, and its answer straight back, without another thread.
// Thread: the loop's, except for the constructor.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.hpp"
#include "frames/frame.hpp"
#include "observe/metrics.hpp"
#include "pool/dispatch.hpp"
#include "pool/lane.hpp"
#include "pool/pool_socket.hpp"
#include "pool/pool_stream.hpp"
#include "pool/waiter.hpp"

namespace tandem::pool {

struct RequestState;

class LoopDispatch {
 public:
  // `siblings`: the pool's LoopDispatches by loop, complete before the first request.
  LoopDispatch(Loop& loop, unsigned index, const PoolOptions& options, Dispatch& dispatch, Overseer& overseer,
               observe::Registry& registry, const std::vector<std::unique_ptr<LoopDispatch>>& siblings);
  ~LoopDispatch();

  Loop& loop() { return loop_; }
  unsigned index() const { return index_; }

  // Sends the request or lets it wait; the answer comes in waiter.response, perhaps at once.
  void submit(Waiter& waiter);
  // Body bytes of a streamed request that is at a worker.
  void send_body(Job& job, std::string_view bytes, bool last);
  // The request's own body could not be read: it is given up, and answered with that if nothing was answered yet.
  void upload_failed(Job& job, const Error& error);
  // Nobody waits for the answer any more.
  void abandon(Job& job);

  // --- for the supervisor
  void attach(std::shared_ptr<WorkerLink> link);
  void detach(const WorkerLink& link);
  void revoked(std::uint64_t id);
  // Other threads have assigned jobs of this loop.
  void collect_inbox();
  // Answers every request that still waits; nothing is taken afterwards.
  void shut();
  // Requests wait for a worker. Thread: any.
  bool is_backed_up() const { return dispatch_.queued() > 0; }
  // The loop has run since the pool was started. Thread: any.
  bool has_run() const { return has_run_; }
  // What is on its way through it.
  void list_requests(std::vector<RequestState>& found) const;
  // Nothing of it is left in the loop.
  bool settled() const { return lanes_.empty() && !flush_posted_ && !resume_posted_; }

  // --- for lanes
  void schedule_flush(Lane& lane);
  void on_frame(Lane& lane, const frames::Reader::Frame& frame);
  void after_frames();
  void lane_ended(Lane& lane);
  void forget_if_settled(Lane& lane);
  void report(std::string text) { overseer_.log_error(std::move(text)); }

  // --- for jobs, waiters and streams
  void job_expired(Job& job);
  void send_credit(Job& job, std::uint32_t bytes);
  // Of a WebSocket: at most kMaxBodyFrame bytes of a message; how it was closed, after which the endpoint goes on by itself.
  void send_message(Job& job, std::string_view bytes, bool text, bool last);
  void send_close(Job& job, const http::CloseReason& reason);
  void wake(Sleeper& sleeper);
  void scrub(Sleeper& sleeper);
  void resume_later();

  // Wakes the loops whose inbox Dispatch has filled, and tells the supervisor what it has to know.
  static void pass_on(Handout& handout, Overseer& overseer, const std::vector<std::unique_ptr<LoopDispatch>>& siblings);

 private:
  Job* take_job();
  void put_job(Job& job);
  Job* find_job(std::uint64_t id);
  void send(Job& job, TimePoint now);
  void send_mine(TimePoint now);
  void arm(Job& job, Job::Deadline kind, TimePoint at);
  void cancel_at_worker(Job& job, frames::CancelReason reason);

  static void on_informational(Job& job, std::string_view payload);
  void on_response_head(Job& job, const frames::Reader::Frame& frame);
  void on_error(Job& job, std::string_view payload);
  void answer(Job& job, http::Response response);
  void answer_problem(Job& job, int status, std::string_view code, std::string detail);
  void fail_stream(Job& job, Error error);
  void end(Job& job);
  void release_ended(TimePoint now);
  void resume_woken();
  void flush();

  Loop& loop_;
  const unsigned index_;
  const PoolOptions& options_;
  Dispatch& dispatch_;
  Overseer& overseer_;
  const std::vector<std::unique_ptr<LoopDispatch>>& siblings_;
  observe::Counter& rejected_full_;
  observe::Counter& rejected_waited_;

  std::deque<Job> jobs_;  // by slot; addresses stay
  std::vector<Job*> free_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<Lane*> dirty_;
  std::vector<Job*> ended_;      // since the last release
  std::vector<Sleeper*> woken_;  // to be resumed
  Handout handout_;
  std::atomic<bool> has_run_{false};
  bool flush_posted_ = false;
  bool resume_posted_ = false;
  bool resuming_ = false;
  bool shut_ = false;
};

}  // namespace tandem::pool
