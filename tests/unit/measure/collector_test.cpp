#include "measure/collector.hpp"

#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <mutex>
#include <thread>

namespace tandem::measure {
namespace {

constexpr Milliseconds kLong{30'000};

class ManualClock final : public Clock {
 public:
  TimePoint now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  std::chrono::system_clock::time_point wall() const override {
    const std::lock_guard lock(mutex_);
    return wall_;
  }
  void pass(Milliseconds time, Milliseconds by_the_wall) {
    const std::lock_guard lock(mutex_);
    now_ += time;
    wall_ += by_the_wall;
  }

 private:
  mutable std::mutex mutex_;
  TimePoint now_{Milliseconds(5000)};
  std::chrono::system_clock::time_point wall_{Milliseconds(1'700'000'000'000)};
};

// Loops that turn on threads of their own.
class Threads {
 public:
  explicit Threads(unsigned count) {
    for (unsigned i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>(i));
    for (const auto& loop : loops_) threads_.emplace_back([own = loop.get()] { own->run(); });
  }
  ~Threads() { stop(); }
  void stop() {
    for (const auto& loop : loops_) loop->stop();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }
  std::vector<Loop*> loops() const {
    std::vector<Loop*> all;
    for (const auto& loop : loops_) all.push_back(loop.get());
    return all;
  }

 private:
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
};

Observation a_request() {
  Observation one;
  one.status = 200;
  one.is_analysed = true;
  one.has_key = true;
  one.cluster = 77;
  one.total = Nanoseconds(1000);
  return one;
}

std::uint64_t count(const Round& round) {
  std::uint64_t sum = 0;
  for (const auto& piece : round.pieces)
    for (const auto& epoch : piece.slice.epochs) sum += epoch.arms[0].analysed.counts.requests;
  return sum;
}

// A batch at a time, so that takes come in between.
void record_in_batches(Loop& loop, Recorder& recorder, int left, std::latch& done) {
  for (int i = 0; i < 100; ++i) recorder.record(loop.index(), a_request());
  if (left <= 100) return done.count_down();
  loop.post([&loop, &recorder, left, &done] { record_in_batches(loop, recorder, left - 100, done); });
}

TEST(Collector, FetchesFromEveryLoopWhileTheyGoOn) {
  constexpr int kRequests = 20'000;
  ManualClock clock;
  Threads threads(3);
  const auto recorder = std::make_shared<Recorder>(1, 3);
  Collector collector(threads.loops(), clock);
  std::latch recorded(3);
  for (auto* loop : threads.loops()) loop->post([&, loop] { record_in_batches(*loop, *recorder, kRequests, recorded); });
  std::uint64_t sum = 0;
  while (!recorded.try_wait()) sum += count(collector.collect({recorder}, kLong));
  const auto last = collector.collect({recorder}, kLong);
  EXPECT_EQ(last.missing, 0u);
  EXPECT_EQ(sum + count(last), 3u * kRequests);
}

TEST(Collector, ALoopThatIsBlockedHoldsNobodyUp) {
  ManualClock clock;
  Threads threads(2);
  const auto recorder = std::make_shared<Recorder>(1, 2);
  Collector collector(threads.loops(), clock);
  std::promise<void> blocked, released;
  threads.loops()[0]->post([&] {
    recorder->record(0, a_request());
    blocked.set_value();
    released.get_future().wait();
  });
  threads.loops()[1]->post([&] { recorder->record(1, a_request()); });
  blocked.get_future().wait();

  std::uint64_t seen = 0;
  while (seen == 0) {
    const auto round = collector.collect({recorder}, Milliseconds(1));
    EXPECT_GE(round.missing, 1u);
    seen += count(round);
  }
  EXPECT_EQ(seen, 1u);
  released.set_value();
  const auto late = collector.collect({recorder}, kLong);
  EXPECT_EQ(late.missing, 0u);
  EXPECT_EQ(count(late), 1u);
}

TEST(Collector, LoopsThatHaveEndedAreMissing) {
  ManualClock clock;
  Threads threads(2);
  const auto recorder = std::make_shared<Recorder>(1, 2);
  Collector collector(threads.loops(), clock);
  threads.stop();
  EXPECT_EQ(collector.collect({recorder}, Milliseconds(1)).missing, 2u);
  EXPECT_EQ(collector.collect({recorder}, Milliseconds(1)).missing, 2u) << "asked once, not once a round";
}

TEST(Collector, APieceCarriesTheMiddleOfItsTime) {
  ManualClock clock;
  Threads threads(1);
  const auto recorder = std::make_shared<Recorder>(1, 1);
  Collector collector(threads.loops(), clock);
  std::promise<void> recorded;
  threads.loops()[0]->post([&] {
    recorder->record(0, a_request());
    recorded.set_value();
  });
  recorded.get_future().wait();
  clock.pass(Milliseconds(10'000), Milliseconds(10'000));
  const auto round = collector.collect({recorder}, kLong);
  ASSERT_EQ(round.pieces.size(), 1u);
  EXPECT_EQ(round.pieces[0].unix_seconds, 1'700'000'005);
  EXPECT_EQ(round.unix_seconds, 1'700'000'010);
}

TEST(Collector, ReportsStepsOfTheWallClock) {
  ManualClock clock;
  Collector collector({}, clock);
  const auto step = [&](int time, int by_the_wall) {
    clock.pass(Milliseconds(time), Milliseconds(by_the_wall));
    return collector.collect({}, kLong).clock_step.count();
  };
  EXPECT_EQ(step(1000, 50'000), 0) << "nothing to compare the first time with";
  EXPECT_EQ(step(1000, 1000), 0);
  EXPECT_EQ(step(1000, 1500), 0) << "corrected, not set";
  EXPECT_EQ(step(1000, 4000), 3000);
  EXPECT_EQ(step(1000, -3'599'000), -3'600'000);
}

}  // namespace
}  // namespace tandem::measure
