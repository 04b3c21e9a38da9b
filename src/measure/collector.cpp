#include "measure/collector.hpp"

#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <utility>

namespace tandem::measure {
namespace {

using std::chrono::duration_cast;

std::int64_t wall_ns(const Clock& clock) { return duration_cast<Nanoseconds>(clock.wall().time_since_epoch()).count(); }

std::int64_t seconds_of(std::int64_t ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return ns / kSecond - (ns % kSecond < 0 ? 1 : 0);
}

}  // namespace

struct Collector::Mailbox {
  struct Thread {
    bool is_asked = false;
    TimePoint last_take;
  };

  Mailbox(const Clock& time, std::size_t loops) : clock(time), threads(loops, Thread{false, time.now()}) {}

  void take(std::size_t shard, const std::vector<std::shared_ptr<Recorder>>& recorders) {
    const auto now = clock.now();
    TimePoint since;
    {
      const std::lock_guard lock(mutex);
      since = std::exchange(threads[shard].last_take, now);
    }
    const auto middle = seconds_of(wall_ns(clock) - Nanoseconds(now - since).count() / 2);
    std::vector<Piece> taken;
    for (const auto& recorder : recorders) {
      if (shard >= recorder->shards()) continue;
      auto slice = recorder->take(static_cast<unsigned>(shard));
      if (!slice.epochs.empty()) taken.push_back({recorder, std::move(slice), middle});
    }
    const std::lock_guard lock(mutex);
    pieces.insert(pieces.end(), std::make_move_iterator(taken.begin()), std::make_move_iterator(taken.end()));
    threads[shard].is_asked = false;
    if (--asked == 0) all_answered.notify_one();
  }

  const Clock& clock;
  std::mutex mutex;  // guards what follows
  std::condition_variable all_answered;
  std::vector<Thread> threads;
  unsigned asked = 0;
  std::vector<Piece> pieces;
};

Collector::Collector(std::vector<Loop*> loops, const Clock& clock)
    : loops_(std::move(loops)), clock_(clock), mailbox_(std::make_shared<Mailbox>(clock, loops_.size())) {}

Collector::~Collector() = default;

Round Collector::begin_round() {
  Round round;
  const auto wall = wall_ns(clock_);
  const auto now = clock_.now();
  round.unix_seconds = seconds_of(wall);
  if (!is_first_) {
    const auto step = duration_cast<Milliseconds>(Nanoseconds(wall - last_wall_ns_) - (now - last_now_));
    if (std::chrono::abs(step) >= kClockStep) round.clock_step = step;
  }
  is_first_ = false;
  last_wall_ns_ = wall;
  last_now_ = now;
  return round;
}

Round Collector::collect(std::vector<std::shared_ptr<Recorder>> recorders, Milliseconds patience) {
  auto round = begin_round();
  const auto wanted = std::make_shared<const std::vector<std::shared_ptr<Recorder>>>(std::move(recorders));
  std::unique_lock lock(mailbox_->mutex);
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    if (mailbox_->threads[i].is_asked) continue;  // still blocked since the last round
    mailbox_->threads[i].is_asked = true;
    ++mailbox_->asked;
    loops_[i]->post([mailbox = mailbox_, wanted, i] { mailbox->take(i, *wanted); });
  }
  mailbox_->all_answered.wait_for(lock, patience, [this] { return mailbox_->asked == 0; });
  round.missing = mailbox_->asked;
  round.pieces = std::exchange(mailbox_->pieces, {});
  return round;
}

}  // namespace tandem::measure
