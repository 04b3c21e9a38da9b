// The thread that compares the answers of one experiment's shadows: two bodies of a mebibyte keep a thread busy for longer
// than live requests may wait. It gives way to everybody else, and what is too much for it is skipped.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "experiment/findings.hpp"

namespace tandem::experiment {

// Thread: any, where nothing else is said.
class Comparer {
 public:
  static constexpr std::size_t kMaxPairs = 256;
  static constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;  // of the bodies that wait

  explicit Comparer(unsigned io_threads) : cpu_ns_(io_threads) {}
  // Waits for the comparison that runs.
  ~Comparer();

  // What comes of it is found in findings(), later; also that it was skipped, since too much waits or the server stops. The
  // first call starts the thread. `loop`: who pays for it.
  void add(AnswerPair pair, unsigned loop);
  // Skips what waits; waits for the comparison that runs. Thread: none that serves requests.
  void drop();
  // Drops, and skips all that comes.
  void stop();

  // CPU time since the last call of what came from that loop.
  Nanoseconds take_cpu(unsigned loop) { return Nanoseconds(cpu_ns_[loop].exchange(0, std::memory_order_relaxed)); }

  Findings& findings() { return findings_; }

 private:
  void run();
  void skip(const AnswerPair& pair);

  Findings findings_;
  std::vector<std::atomic<std::int64_t>> cpu_ns_;  // by loop
  std::mutex mutex_;                               // guards what follows
  std::condition_variable changed_;
  std::deque<std::pair<AnswerPair, unsigned>> queue_;
  std::size_t bytes_ = 0;  // of the queue
  bool is_comparing_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tandem::experiment
