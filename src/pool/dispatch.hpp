// Who runs what: the pool's queue and what each executor holds. Workers pull: a request is handed out when an executor has
// room, and waits here otherwise. Pure bookkeeping under one mutex that is held for some tens of nanoseconds; no I/O.
// Thread: any.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pool/job.hpp"
#include "pool/pool_options.hpp"
#include "pool/worker_link.hpp"

namespace tandem::pool {

// What a call into Dispatch leaves to its caller once the mutex is free.
struct Handout {
  static constexpr unsigned kNoLoop = ~0u;
  unsigned own = kNoLoop;      // the caller's loop
  Inbox mine;                  // jobs of the caller's loop, to be sent now
  std::vector<unsigned> wake;  // loops whose inbox has become non-empty
  bool take_back = false;      // tell the supervisor

  bool is_empty() const { return mine.empty() && wake.empty() && !take_back; }
};

class Dispatch {
 public:
  // A synchronous executor is handed more than one request only as far as it is expected to begin the last within kAhead;
  // what waits behind a request that has run for kSlow is taken back. An event loop that has answered nothing for kSlow may
  // be held up by a coroutine that blocks: it comes last, and is asked for what it has not started once another has nothing
  // to do.
  static constexpr Nanoseconds kAhead{1'000'000};
  static constexpr Nanoseconds kSlow{2'000'000};
  static constexpr std::size_t kMaxAhead = 128;
  // The executors of one worker share its interpreter: work as short as this is done sooner in one batch of one of them than
  // by several that wake each other.
  static constexpr Nanoseconds kBrisk{50'000};
  static constexpr unsigned kSlotBits = 20;  // of a request id: the job's place in its loop's table

  Dispatch(const PoolOptions& options, unsigned loops);

  // Where the endpoints run, as the first ready worker said. Returns false when it differs from what is known.
  bool set_kinds(std::span<const Kind> kinds);

  enum class Placed : std::uint8_t { sent, queued, full };
  // `job.endpoint` and `job.whole_body` are set. sent: the caller sends it now, to job.executor under job.id.
  Placed submit(Job& job, TimePoint now);

  // Jobs whose end the worker has reported, or that died with it, whatever their state. Hands the room on.
  void release(std::span<Job* const> jobs, TimePoint now, Handout& handout);

  // The worker gave it back unstarted: to the head of the queue, or at once to another executor.
  void give_back(Job& job, TimePoint now, Handout& handout);

  // False when it is in the queue no more.
  bool withdraw(Job& job);

  // Moves what others assigned to jobs of this loop into handout.mine.
  void take_inbox(Handout& handout);

  void note_overdue(Job& job);
  // A WebSocket, or a stream without a length as events are, lasts as long as its client wants, and most of the time its
  // coroutine waits: while it is open it takes nobody's place on an event loop. `limits.connections` is its bound.
  void note_open(Job& job, TimePoint now, Handout& handout);
  // Its client has left it; that its endpoint goes on nobody bounds but the pool.
  void note_left(Job& job);

  // All lanes are attached: gives it work. Nothing if it was closed before.
  void open(WorkerLink& link, TimePoint now, Handout& handout);
  // Takes no more work; what was assigned and not yet sent goes back to the head of the queue.
  void close(WorkerLink& link, TimePoint now, Handout& handout);

  struct Revocation {
    std::shared_ptr<WorkerLink> link;
    std::uint64_t id;
  };
  // Which requests wait behind a slow one, though the pool has other executors.
  std::vector<Revocation> find_take_back(TimePoint now);
  // The requests that the worker holds, as it knows them.
  std::vector<std::uint64_t> held_by(const WorkerLink& link) const;
  // The loop of a request that the worker holds.
  std::optional<unsigned> loop_of(const WorkerLink& link, std::uint64_t id) const;

  struct Load {
    std::uint32_t in_flight = 0;
    std::uint32_t overdue = 0;
    std::uint64_t requests = 0;
  };
  Load load(const WorkerLink& link) const;
  std::size_t queued() const;
  // Nothing waits and nothing runs.
  bool idle() const;

  void add_link(std::shared_ptr<WorkerLink> link);
  void remove_link(const WorkerLink& link);

 private:
  struct Endpoint {
    Kind kind = Kind::sync;
    std::int64_t expected_ns = kAhead.count();  // running mean of the handler's time
  };

  std::size_t queued_unlocked() const { return queues_[0].size() + queues_[1].size(); }
  bool has_room(const Executor& executor, TimePoint now) const;
  // Is it better to go behind what the executor holds than to another one of the same worker?
  bool is_joined(const Executor& executor, const Job& job, TimePoint now) const;
  Executor* pick(const Job& job, TimePoint now) const;
  void assign(Job& job, Executor& executor, TimePoint now);
  void drop(Job& job, TimePoint now);
  void hand_out(Job& job, Executor& executor, TimePoint now, Handout& handout);
  void pull(Executor& executor, TimePoint now, Handout& handout);
  void pull_any(Kind kind, TimePoint now, Handout& handout);
  static bool is_stalled(const Executor& executor, TimePoint now);
  bool waits_behind_slow(const Executor& executor, TimePoint now) const;
  void ask_back(const Executor& executor, std::vector<Revocation>& found);

  const std::size_t queue_limit_;
  const std::size_t async_capacity_;

  mutable std::mutex mutex_;  // guards what follows, and the members of Job, Executor and WorkerLink that say so
  std::vector<Endpoint> endpoints_;
  bool kinds_known_ = false;
  std::array<JobList, 2> queues_;               // by Kind
  std::array<std::vector<Executor*>, 2> open_;  // by Kind
  std::vector<Inbox> inboxes_;                  // by loop
  std::vector<std::shared_ptr<WorkerLink>> links_;
  std::uint64_t sequence_ = 0;
  std::array<std::size_t, 2> crowded_{};  // executors that hold more than one, by Kind
  std::size_t in_flight_ = 0;
  TimePoint took_back_at_{};
};

}  // namespace tandem::pool
