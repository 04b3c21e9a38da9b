#include "base/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

namespace tandem {
namespace {

constexpr TimePoint kStart{};

class Recorder final : public TimerWheel::Timer {
 public:
  std::function<void()> on_expired;
  int count = 0;

 private:
  void expired() override {
    ++count;
    if (on_expired) on_expired();
  }
};

TEST(TimerWheel, FiresAtTheFirstTickAfterTheDeadlineAndOnce) {
  TimerWheel wheel(kStart);
  Recorder timer;
  wheel.arm(timer, kStart + Milliseconds(50));
  wheel.advance(kStart + Milliseconds(49));
  EXPECT_EQ(timer.count, 0);
  wheel.advance(kStart + Milliseconds(60));
  EXPECT_EQ(timer.count, 1);
  wheel.advance(kStart + Milliseconds(60000));
  EXPECT_EQ(timer.count, 1);
  EXPECT_FALSE(timer.armed());
}

TEST(TimerWheel, HoldsDeadlinesBeyondOneTurn) {
  TimerWheel wheel(kStart);
  Recorder timer;
  wheel.arm(timer, kStart + std::chrono::seconds(75));
  for (int second = 1; second < 75; ++second) wheel.advance(kStart + std::chrono::seconds(second));
  EXPECT_EQ(timer.count, 0);
  wheel.advance(kStart + std::chrono::seconds(75));
  EXPECT_EQ(timer.count, 1);
}

TEST(TimerWheel, CatchesUpAfterALongPause) {
  TimerWheel wheel(kStart);
  Recorder soon, late;
  wheel.arm(soon, kStart + Milliseconds(40));
  wheel.arm(late, kStart + std::chrono::seconds(100));
  wheel.advance(kStart + std::chrono::seconds(99));
  EXPECT_EQ(soon.count, 1);
  EXPECT_EQ(late.count, 0);
}

TEST(TimerWheel, TimersMayDisarmDestroyAndArmOthersWhileTheyFire) {
  TimerWheel wheel(kStart);
  auto victim = std::make_unique<Recorder>();
  Recorder killer, again;
  killer.on_expired = [&] { victim.reset(); };
  again.on_expired = [&] {
    if (again.count < 3) wheel.arm(again, kStart + Milliseconds(20) * (again.count + 1));
  };
  wheel.arm(killer, kStart + Milliseconds(20));
  wheel.arm(*victim, kStart + Milliseconds(20));
  wheel.arm(again, kStart + Milliseconds(20));
  for (int tick = 1; tick <= 10; ++tick) wheel.advance(kStart + Milliseconds(20) * tick);
  EXPECT_EQ(victim, nullptr);
  EXPECT_EQ(again.count, 3);
}

}  // namespace
}  // namespace tandem
