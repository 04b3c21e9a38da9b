#include "steering/schedule.hpp"

#include <gtest/gtest.h>

#include "unit/steering/settings.hpp"

namespace tandem::steering {
namespace {

using namespace std::chrono_literals;
using Kind = RampDecision::Kind;

class ScheduleTest : public ::testing::Test {
 protected:
  void begin(std::vector<experiment::ScheduleStep> steps) {
    settings.schedule = std::move(steps);
    life = begin_life(settings, kNow);
  }
  RampDecision at(WallTime::duration later) const { return decide(settings, life, facts, kNow + later); }
  // Takes one step if it is due, as the server does once a second.
  bool tick(WallTime::duration later) {
    if (at(later).kind != Kind::advance) return false;
    auto one = change(Action::advance);
    one.actor = kScheduleActor;
    one.requests = facts.requests;
    life = *apply(settings, life, one, kNow + later);
    return true;
  }

  experiment::Settings settings = two_arms();
  Life life;
  RampFacts facts{5000, 100, [](const auto&) { return std::string(); }};
};

TEST_F(ScheduleTest, AllConditionsHaveToHold) {
  auto first = step(100, 10min, 1000);
  first.min_windows = 30;
  first.require = {{"p99", true}};
  begin({first, step(5000)});
  EXPECT_EQ(at(10min).kind, Kind::advance);
  EXPECT_EQ(at(10min - 1ms).kind, Kind::wait);
  EXPECT_EQ(at(9min).why, "60 s of its time to pass");
  facts.requests = 999;
  EXPECT_EQ(at(10min).why, "more requests of the candidate: 999 of 1000");
  facts.requests = 1000;
  facts.windows = 29;
  EXPECT_EQ(at(10min).why, "more windows with requests of all arms: 29 of 30");
  facts.windows = 30;
  facts.unmet = [](const auto& requirement) { return requirement.metric + " is undecided"; };
  EXPECT_EQ(at(10min).why, "p99 is undecided");
}

TEST_F(ScheduleTest, NoDataIsNeverAPass) {
  begin({step(100, 0min, 0), step(5000)});
  facts.requests = 0;
  EXPECT_EQ(at(1h * 24).kind, Kind::wait);
  EXPECT_EQ(at(1h * 24).why, "requests of the candidate: there were none since 2027-01-15T08:00:00.000Z");
  facts.requests = 1;
  EXPECT_EQ(at(1s).kind, Kind::advance);
}

TEST_F(ScheduleTest, RequestsOfEarlierStepsDoNotCount) {
  begin({step(100), step(500), step(1000)});
  ASSERT_TRUE(tick(10min));
  EXPECT_EQ(at(20min).kind, Kind::wait);
  facts.requests += 1000;
  EXPECT_TRUE(tick(20min));
}

TEST_F(ScheduleTest, OverdueStepsWithConditionsDoNotCollapse) {
  begin({step(100, 10min, 1), step(500, 10min, 1), step(1000, 10min, 1)});
  ASSERT_TRUE(tick(24h));  // the server was down meanwhile
  facts.requests += 1000;
  EXPECT_FALSE(tick(24h + 1s));
  EXPECT_FALSE(tick(24h + 10min - 1s));
  EXPECT_TRUE(tick(24h + 10min));
}

TEST_F(ScheduleTest, OverdueStepsOfTimeAloneFollowAtOnce) {
  begin({step(100, 10min, 0), step(500, 10min, 0), step(1000, 10min, 0)});
  ASSERT_TRUE(tick(25min));
  facts.requests += 1;
  EXPECT_TRUE(tick(25min + 1s));
  EXPECT_EQ(life.ramp->began, kNow + 20min);
  EXPECT_EQ(at(25min + 2s).kind, Kind::done);
}

TEST_F(ScheduleTest, AGateAnywhereKeepsStepsApart) {
  begin({step(100, 10min, 0), step(500, 10min, 0), step(1000, 10min, 0, true)});
  ASSERT_TRUE(tick(25min));
  EXPECT_FALSE(tick(25min + 1s));
}

TEST_F(ScheduleTest, ManualGateWaitsForAnApprovalAndForTheRest) {
  begin({step(100), step(5000, 10min, 0, true)});
  EXPECT_EQ(at(1h).why, "an approval of step 2 of 2");
  life = *apply(settings, life, change(Action::approve), kNow);
  EXPECT_EQ(at(9min).kind, Kind::wait);
  EXPECT_EQ(at(10min).kind, Kind::advance);
}

TEST_F(ScheduleTest, HeldPausedAndDoneStandStill) {
  begin({step(100), step(5000)});
  auto held = life;
  held.held = "latency is worse";
  EXPECT_EQ(decide(settings, held, facts, kNow + 1h).why, "latency is worse");
  auto paused = life;
  paused.state = experiment::State::paused;
  EXPECT_EQ(decide(settings, paused, facts, kNow + 1h).kind, Kind::wait);
  ASSERT_TRUE(tick(1h));
  EXPECT_EQ(at(2h).kind, Kind::done);
}

TEST_F(ScheduleTest, NotAfterEndsInAHold) {
  settings.not_after = kNow + 15min;
  begin({step(100), step(500), step(1000)});
  ASSERT_TRUE(tick(14min));
  EXPECT_EQ(at(15min).kind, Kind::wait);
  const auto decision = at(16min);
  EXPECT_EQ(decision.kind, Kind::hold);
  EXPECT_EQ(decision.why, "the schedule was to end by 2027-01-15T08:15:00.000Z and has not");
}

TEST_F(ScheduleTest, AClockThatWasSetBackDelaysOnly) {
  begin({step(100), step(500)});
  EXPECT_EQ(at(-1h).kind, Kind::wait);
  EXPECT_EQ(at(10min).kind, Kind::advance);
}

TEST_F(ScheduleTest, ACountThatWasLostBeginsAnew) {
  begin({step(100, 0min, 100), step(500)});
  life.ramp->requests_before = 1'000'000;
  facts.requests = 99;
  EXPECT_EQ(at(1min).kind, Kind::wait);
  facts.requests = 100;
  EXPECT_EQ(at(1min).kind, Kind::advance);
}

}  // namespace
}  // namespace tandem::steering
