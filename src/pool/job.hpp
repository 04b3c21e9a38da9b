// One request on its way through the pool: waiting, at an executor, or given up by its client while the executor still works
// on it. Jobs outlive the coroutines that wait for them, since an executor's place stays taken until the worker says it
// ended.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/timer_wheel.hpp"
#include "frames/frame.hpp"

namespace tandem::http {
class Request;
}

namespace tandem::pool {

class LoopDispatch;
class Receiver;
class Upload;
class Waiter;
struct Executor;

// Which executor of a worker runs an endpoint: a thread of its own for one request at a time, or the asyncio loop.
enum class Kind : std::uint8_t { sync, async };

// Thread: the owner's loop, except for the members that Dispatch guards.
class Job final : public TimerWheel::Timer {
 public:
  // `owner` is told when a deadline comes; without one none may be armed.
  Job(LoopDispatch* owner, unsigned loop_index, std::uint32_t slot_number)
      : home(owner), loop(loop_index), slot(slot_number) {}

  enum class State : std::uint8_t {
    free,
    queued,    // in the pool's queue
    assigned,  // an executor was found by another thread; the owner has still to send it
    sent       // only the owner's loop moves it on from here
  };
  enum class Deadline : std::uint8_t { none, queue, answer, grace };

  LoopDispatch* const home;
  const unsigned loop;
  const std::uint32_t slot;  // the low bits of its ids

  // Guarded by Dispatch's mutex.
  State state = State::free;
  Kind kind = Kind::sync;
  bool revoke_asked = false;
  bool overdue = false;    // past its deadline and the grace after it
  bool held_open = false;  // by its client: it takes no place
  bool whole_body = true;  // can be sent a second time
  std::uint16_t endpoint = 0;
  std::uint64_t id = 0;
  std::int64_t expected_ns = 0;
  Executor* executor = nullptr;
  Job* previous = nullptr;  // in the queue or among those its executor holds
  Job* next = nullptr;
  Job* next_in_inbox = nullptr;

  // The owner's loop only.
  Waiter* waiter = nullptr;                // null: nobody waits for the head of an answer
  Receiver* receiver = nullptr;            // of an answer that goes on after its head; null: nobody wants it
  bool is_closed = false;                  // a WebSocket that is closed: its endpoint ends by itself
  Upload* upload = nullptr;                // of a streamed request; null: the worker takes nothing more
  const http::Request* request = nullptr;  // as long as there is a waiter or a receiver
  std::uint64_t sent_id = 0;               // as the worker knows it; 0: not at a worker
  TimePoint sent_at{};
  Nanoseconds timeout{0};  // of its route
  frames::Timing timing;
  Deadline deadline = Deadline::none;

 private:
  void expired() override;
};

// Doubly linked through previous and next; owns nothing.
class JobList {
 public:
  bool empty() const { return head_ == nullptr; }
  std::size_t size() const { return size_; }
  Job* front() const { return head_; }

  void push_back(Job& job) {
    job.previous = tail_;
    job.next = nullptr;
    (tail_ ? tail_->next : head_) = &job;
    tail_ = &job;
    ++size_;
  }
  void push_front(Job& job) {
    job.previous = nullptr;
    job.next = head_;
    (head_ ? head_->previous : tail_) = &job;
    head_ = &job;
    ++size_;
  }
  void remove(Job& job) {
    (job.previous ? job.previous->next : head_) = job.next;
    (job.next ? job.next->previous : tail_) = job.previous;
    job.previous = job.next = nullptr;
    --size_;
  }
  Job* pop_front() {
    Job* const job = head_;
    if (job) remove(*job);
    return job;
  }

 private:
  Job* head_ = nullptr;
  Job* tail_ = nullptr;
  std::size_t size_ = 0;
};

// First in, first out through next_in_inbox; for jobs that stand in another list at the same time.
class Inbox {
 public:
  bool empty() const { return head_ == nullptr; }
  void push(Job& job) {
    job.next_in_inbox = nullptr;
    (tail_ ? tail_->next_in_inbox : head_) = &job;
    tail_ = &job;
  }
  Job* pop() {
    Job* const job = head_;
    if (job) {
      head_ = job->next_in_inbox;
      if (head_ == nullptr) tail_ = nullptr;
      job->next_in_inbox = nullptr;
    }
    return job;
  }
  void remove(Job& job) {
    Inbox kept;
    while (Job* const one = pop())
      if (one != &job) kept.push(*one);
    *this = kept;
  }

 private:
  Job* head_ = nullptr;
  Job* tail_ = nullptr;
};

}  // namespace tandem::pool
