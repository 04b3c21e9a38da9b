// One run of one worker as the I/O threads see it: its executors, and the lanes that lead to them. The supervisor makes it;
// it lives until the last loop has closed its lanes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "frames/frame.hpp"
#include "pool/descriptor.hpp"
#include "pool/job.hpp"

namespace tandem::pool {

class Lane;
struct WorkerLink;

// One thread of a worker that runs requests.
struct Executor {
  WorkerLink* link = nullptr;
  unsigned index = 0;
  Kind kind = Kind::sync;
  std::vector<Lane*> lanes;  // by loop; each element belongs to its loop's thread

  // Guarded by Dispatch's mutex.
  JobList held;                  // assigned or sent, not ended
  std::size_t held_open = 0;     // of these, how many take no place
  std::int64_t expected_ns = 0;  // of what it holds
  TimePoint progress_at{};       // the last answer, or the first request after it had nothing to do
};

struct WorkerLink {
  // `synchronous` executors and then the asynchronous one, each with a lane to each of `loops` loops.
  WorkerLink(std::string worker_name, unsigned synchronous, unsigned loops)
      : name(std::move(worker_name)), executors(synchronous + 1), lane_ends(executors.size() * loops) {
    for (unsigned i = 0; i < executors.size(); ++i) {
      executors[i].link = this;
      executors[i].index = i;
      executors[i].kind = i < synchronous ? Kind::sync : Kind::async;
      executors[i].lanes.resize(loops);
    }
  }

  const std::string name;
  int pid = 0;  // set before the link is shared; 0 in thread mode
  std::vector<Executor> executors;
  std::vector<Descriptor> lane_ends;  // executor * loops + loop; each loop takes its own
  std::atomic<unsigned> attached{0};  // loops that have their lanes

  // Guarded by Dispatch's mutex.
  bool open = false;    // takes work
  bool closed = false;  // never will again
  std::uint32_t in_flight = 0;
  std::uint32_t overdue = 0;   // of these, how many are past deadline and grace
  std::uint64_t requests = 0;  // assigned so far
};

// What the I/O threads tell the supervisor. Thread: any; returns at once.
class Overseer {
 public:
  // The worker shall give up the request.
  virtual void cancel(std::shared_ptr<WorkerLink> link, std::uint64_t id, frames::CancelReason reason) = 0;
  // Requests wait behind a slow one while an executor has nothing to do.
  virtual void take_back() = 0;
  // The worker closed a lane or spoke nonsense on it.
  virtual void lane_lost(std::shared_ptr<WorkerLink> link) = 0;
  // A request has outlived its deadline and the grace after it.
  virtual void stuck(std::shared_ptr<WorkerLink> link, std::uint64_t id, std::string endpoint) = 0;
  // Writes an error to the log, away from the I/O thread.
  virtual void log_error(std::string text) = 0;

 protected:
  ~Overseer() = default;
};

}  // namespace tandem::pool
