// Fetches what the recorders hold from the I/O threads, which go on meanwhile: a round once a second.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/loop.hpp"
#include "measure/recorder.hpp"

namespace tandem::measure {

// What one recorder had on one thread.
struct Piece {
  std::shared_ptr<Recorder> recorder;
  Slice slice;
  std::int64_t unix_seconds = 0;  // the middle of the time it was recorded in
};

struct Round {
  std::vector<Piece> pieces;
  std::int64_t unix_seconds = 0;
  Milliseconds clock_step{0};  // the wall clock went so much further than time did since the last round; small ones are zero
  unsigned missing = 0;        // threads that did not answer in time; what they hold comes with a later round
};

// Thread: one, which is none of the loops'.
class Collector {
 public:
  // A jump of the wall clock that is less is taken for its daily correction.
  static constexpr Milliseconds kClockStep{1000};

  // `loops` by index: loop i owns shard i of every recorder. They and the clock outlive the collector.
  Collector(std::vector<Loop*> loops, const Clock& clock);
  ~Collector();

  // Asks all loops and waits until they have answered, but no longer than that.
  Round collect(std::vector<std::shared_ptr<Recorder>> recorders, Milliseconds patience);

 private:
  struct Mailbox;
  Round begin_round();

  const std::vector<Loop*> loops_;
  const Clock& clock_;
  std::shared_ptr<Mailbox> mailbox_;  // shared with what was posted to the loops
  std::int64_t last_wall_ns_ = 0;
  TimePoint last_now_{};
  bool is_first_ = true;
};

}  // namespace tandem::measure
