// How many workers a pool of adaptive size should have, over a clock of the test's own.
#include "pool/scaling.hpp"

#include <gtest/gtest.h>

namespace tandem::pool {
namespace {

using namespace std::chrono_literals;

class ScalingTest : public testing::Test {
 protected:
  // So many looks with the same to be seen; the sum of what they said.
  int look(int times, Scaling::Seen seen) {
    int change = 0;
    for (int i = 0; i < times; ++i) change += scaling_.look(seen, now_ += Scaling::kLook);
    return change;
  }
  static Scaling::Seen seen(unsigned ready, unsigned busy, std::size_t queued, double cpus = 0, unsigned starting = 0) {
    Scaling::Seen one;
    one.ready = ready;
    one.busy = busy;
    one.queued = queued;
    one.cpus = cpus;
    one.starting = starting;
    return one;
  }

  TimePoint now_{std::chrono::hours(1)};
  Scaling scaling_{1, 4, 10s, now_};
};

TEST_F(ScalingTest, ABusyPoolWithoutAQueueStaysAsItIs) { EXPECT_EQ(look(1000, seen(1, 1, 0, 0.5)), 0); }

TEST_F(ScalingTest, AQueueThatLastsBringsAWorker) {
  EXPECT_EQ(look(1, seen(1, 1, 5)), 0);
  EXPECT_EQ(look(1, seen(1, 1, 5)), 1);
}

TEST_F(ScalingTest, AQueueThatComesAndGoesDoesNot) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(look(1, seen(1, 1, i % 2 == 0 ? 5 : 0)), 0);
}

TEST_F(ScalingTest, WhileOneStartsAnotherFollowsOnlyIfTheQueueGrows) {
  ASSERT_EQ(look(2, seen(1, 1, 5)), 1);
  EXPECT_EQ(look(100, seen(1, 1, 5, 0, 1)), 0);
  EXPECT_EQ(look(1, seen(1, 1, 6, 0, 1)), 1);
}

TEST_F(ScalingTest, ThereAreNeverMoreThanTheMost) { EXPECT_EQ(look(100, seen(4, 4, 100)), 0); }

TEST_F(ScalingTest, AWorkerThatDoesNotStartIsNotFollowedByMore) {
  auto failing = seen(1, 1, 100, 0, 1);
  failing.backing_off = true;
  EXPECT_EQ(look(100, failing), 0);
}

TEST_F(ScalingTest, EventLoopsThatUseUpTheirCpuBringAWorkerWithoutAQueue) { EXPECT_EQ(look(20, seen(1, 1, 0, 0.97)), 1); }

TEST_F(ScalingTest, WorkersTooManyEndAfterTheirTime) {
  look(1, seen(4, 4, 3, 3.8));
  EXPECT_EQ(look(99, seen(4, 0, 0)), 0);
  EXPECT_EQ(look(1, seen(4, 0, 0)), -3);
}

TEST_F(ScalingTest, AWorkerThatIsNeededNowAndThenStays) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(look(50, seen(2, 0, 0)), 0);
    EXPECT_EQ(look(1, seen(2, 2, 0)), 0);
  }
}

}  // namespace
}  // namespace tandem::pool
