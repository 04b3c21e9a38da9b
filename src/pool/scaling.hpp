// How many workers a pool of adaptive size should have: a pure rule over what is seen of it every kLook.
//
// One more is started when requests waited at kWaitingLooks looks in a row, or when all workers used their CPU up for
// kFullLooks. While one is starting, another follows only if the queue has grown since. A worker too many ends when for
// idle_timeout fewer would have been enough at every look; so whatever is started stays at least that long.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/clock.hpp"

namespace tandem::pool {

class Scaling {
 public:
  static constexpr Milliseconds kLook{100};

  struct Seen {
    unsigned ready = 0;
    unsigned starting = 0;     // and those that back off
    unsigned busy = 0;         // ready ones that hold a request
    std::size_t queued = 0;    // requests that wait for a worker
    double cpus = 0;           // what the ready ones together used of late
    bool backing_off = false;  // a worker does not start: more of them would not either
  };

  // `least` at least 1, `most` at least that.
  Scaling(unsigned least, unsigned most, Milliseconds idle_timeout, TimePoint now)
      : least_(least), most_(most), idle_timeout_(idle_timeout), enough_since_(most + 1, now) {}

  // How many workers to start, or, negative, to end.
  int look(const Seen& seen, TimePoint now) {
    note_need(seen, now);
    waiting_looks_ = seen.queued > 0 ? waiting_looks_ + 1 : 0;
    const bool full = seen.ready > 0 && seen.busy == seen.ready && seen.cpus >= kFull * seen.ready;
    full_looks_ = full ? full_looks_ + 1 : 0;
    if (seen.ready + seen.starting < most_ && !seen.backing_off && wants_more(seen)) {
      waiting_looks_ = full_looks_ = 0;
      queued_at_start_ = seen.queued;
      return 1;
    }
    if (seen.starting > 0) return 0;
    unsigned enough = least_;
    while (enough < seen.ready && now - enough_since_[enough] < idle_timeout_) ++enough;
    return enough < seen.ready ? -static_cast<int>(seen.ready - enough) : 0;
  }

 private:
  static constexpr unsigned kWaitingLooks = 2;
  static constexpr unsigned kFullLooks = 20;
  static constexpr double kFull = 0.9;      // of a CPU each: what one interpreter can use
  static constexpr double kComfort = 0.65;  // of a CPU each, with one worker fewer: below it that one is missed by nobody

  bool wants_more(const Seen& seen) const {
    if (waiting_looks_ >= kWaitingLooks) return seen.starting == 0 || seen.queued > queued_at_start_;
    return full_looks_ >= kFullLooks && seen.starting == 0;
  }

  // Fewer than were needed now have not been enough up to now.
  void note_need(const Seen& seen, TimePoint now) {
    for (unsigned count = 0; count < enough_since_.size(); ++count)
      if (count < seen.busy || (seen.queued > 0 && count <= seen.ready) || seen.cpus > kComfort * count)
        enough_since_[count] = now;
  }

  const unsigned least_;
  const unsigned most_;
  const Milliseconds idle_timeout_;
  std::vector<TimePoint> enough_since_;  // by count of workers
  unsigned waiting_looks_ = 0;
  unsigned full_looks_ = 0;
  std::size_t queued_at_start_ = 0;
};

}  // namespace tandem::pool
