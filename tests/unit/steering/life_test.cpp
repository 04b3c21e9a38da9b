#include "steering/life.hpp"

#include <gtest/gtest.h>

#include "unit/steering/settings.hpp"

namespace tandem::steering {
namespace {

using experiment::State;
using Weights = std::vector<unsigned>;

class LifeTest : public ::testing::Test {
 protected:
  // Applies it, or says with which code it was refused.
  std::string apply_to(Life& life, const Change& one) {
    auto next = apply(settings, life, one, kNow);
    if (!next) return next.error().code;
    life = *next;
    return "";
  }

  experiment::Settings settings = two_arms();
  Life life = begin_life(settings, kNow);
};

TEST_F(LifeTest, BeginsAsTheFileSays) {
  EXPECT_EQ(life.revision, 1u);
  EXPECT_EQ(life.epoch, 1u);
  EXPECT_EQ(life.state, State::running);
  EXPECT_EQ(life.weights_bp, (Weights{5000, 5000}));
  EXPECT_EQ(life.updated_by, "file");
  settings.start = false;
  life = begin_life(settings, kNow);
  EXPECT_EQ(life.state, State::draft);
  EXPECT_EQ(effective_weights(settings, life), (Weights{0, 10000}));
}

TEST_F(LifeTest, WhatMayBeDoneInWhichState) {
  struct Row {
    State state;
    std::vector<Action> allowed;
  };
  const Row rows[] = {
      {State::draft, {Action::start, Action::rollback, Action::conclude, Action::weights}},
      {State::running, {Action::pause, Action::rollback, Action::conclude, Action::weights}},
      {State::paused, {Action::resume, Action::rollback, Action::conclude, Action::weights}},
      {State::rolled_back, {Action::start, Action::resume, Action::conclude}},
      {State::concluded, {Action::rollback, Action::weights}},
  };
  for (const auto& row : rows)
    for (const auto action : {Action::start, Action::pause, Action::resume, Action::rollback, Action::conclude,
                              Action::advance, Action::approve, Action::weights, Action::hold}) {
      Life before = life;
      before.state = row.state;
      const auto after = apply(settings, before, change(action, {100, 9900}), kNow);
      const bool is_allowed = std::find(row.allowed.begin(), row.allowed.end(), action) != row.allowed.end();
      EXPECT_EQ(after.ok(), is_allowed) << experiment::format_state(row.state) << " " << format_action(action);
      if (!after) {
        EXPECT_EQ(after.error().code, "experiment.wrong_state");
      } else {
        EXPECT_EQ(after->revision, before.revision + 1);
        EXPECT_EQ(after->updated_by, "somebody");
        EXPECT_EQ(after->reason, "a reason");
      }
    }
}

TEST_F(LifeTest, EveryChangeNeedsAReason) {
  auto one = change(Action::pause);
  one.reason = " \t";
  EXPECT_EQ(apply_to(life, one), "experiment.no_reason");
}

TEST_F(LifeTest, RevisionIsComparedFirst) {
  auto one = change(Action::resume);
  one.if_revision = 7;
  EXPECT_EQ(apply_to(life, one), "experiment.conflict");
  one.if_revision = 1;
  EXPECT_EQ(apply_to(life, one), "experiment.wrong_state");
}

TEST_F(LifeTest, WeightsAreTenThousandTogether) {
  EXPECT_EQ(apply_to(life, change(Action::weights, {5000, 4999})), "experiment.bad_weights");
  EXPECT_EQ(apply_to(life, change(Action::weights, {10000})), "experiment.bad_weights");
  EXPECT_EQ(apply_to(life, change(Action::weights, {4294967295u, 10001})), "experiment.bad_weights");
  EXPECT_EQ(apply_to(life, change(Action::weights, {1, 9999})), "");
  EXPECT_EQ(life.weights_bp, (Weights{1, 9999}));
}

TEST_F(LifeTest, RollbackIsLatchedAndForgivesOnlyWhatWasBefore) {
  ASSERT_EQ(apply_to(life, change(Action::rollback)), "");
  EXPECT_EQ(life.weights_bp, (Weights{0, 10000}));
  EXPECT_EQ(apply_to(life, change(Action::weights, {100, 9900})), "experiment.wrong_state");
  const auto epoch = life.epoch;
  ASSERT_EQ(apply_to(life, change(Action::resume)), "");
  EXPECT_EQ(life.state, State::running);
  EXPECT_EQ(life.weights_bp, (Weights{0, 10000}));  // nobody gets traffic back by that alone
  EXPECT_GT(life.epoch, epoch);
  EXPECT_EQ(life.judged_from, life.epoch);
  ASSERT_EQ(apply_to(life, change(Action::weights, {100, 9900})), "");
  EXPECT_LE(life.judged_from, life.epoch);
}

TEST_F(LifeTest, PauseGivesControlEverythingAndResumeGivesItBack) {
  ASSERT_EQ(apply_to(life, change(Action::pause)), "");
  EXPECT_EQ(effective_weights(settings, life), (Weights{0, 10000}));
  const auto paused = life;
  ASSERT_EQ(apply_to(life, change(Action::resume)), "");
  EXPECT_EQ(effective_weights(settings, life), (Weights{5000, 5000}));
  EXPECT_TRUE(raises_candidate(settings, paused, life));
  EXPECT_FALSE(raises_candidate(settings, life, paused));
  EXPECT_EQ(life.epoch, 1u);
}

TEST_F(LifeTest, ConcludingFreezesWhatIsOrGivesOneArmEverything) {
  ASSERT_EQ(apply_to(life, change(Action::pause)), "");
  Life paused = life;
  ASSERT_EQ(apply_to(life, change(Action::conclude)), "");
  EXPECT_EQ(effective_weights(settings, life), (Weights{0, 10000}));
  auto one = change(Action::conclude);
  one.arm = 0;
  ASSERT_EQ(apply_to(paused, one), "");
  EXPECT_EQ(effective_weights(settings, paused), (Weights{10000, 0}));
}

TEST_F(LifeTest, EpochsAreForWhatMayNotBePooled) {
  life.weights_bp = {100, 9900};
  ASSERT_EQ(apply_to(life, change(Action::weights, {5000, 5000})), "");
  EXPECT_EQ(life.epoch, 1u);  // the compared control is as large as the candidate at both
  ASSERT_EQ(apply_to(life, change(Action::weights, {5000, 5000})), "");
  EXPECT_EQ(life.epoch, 1u);
  ASSERT_EQ(apply_to(life, change(Action::weights, {5001, 4999})), "");
  EXPECT_EQ(life.epoch, 2u);
  ASSERT_EQ(apply_to(life, change(Action::weights, {100, 9900})), "");
  EXPECT_EQ(life.epoch, 3u);
  settings.analysis = experiment::Analysis::all;
  ASSERT_EQ(apply_to(life, change(Action::weights, {200, 9800})), "");
  EXPECT_EQ(life.epoch, 4u);
}

TEST_F(LifeTest, OnlyOtherWeightsAreAnotherSplit) {
  EXPECT_EQ(life.shares_since, kNow);
  const auto later = kNow + std::chrono::hours(1);
  const auto at = [&](Change one) { life = *apply(settings, life, one, later); };
  at(change(Action::pause));
  at(change(Action::resume));
  at(change(Action::weights, life.weights_bp));
  EXPECT_EQ(life.shares_number, 1u);
  EXPECT_EQ(life.shares_since, kNow);
  at(change(Action::weights, {100, 9900}));
  EXPECT_EQ(life.shares_number, 2u);
  EXPECT_EQ(life.shares_since, later);
  at(change(Action::rollback));
  at(change(Action::resume));
  EXPECT_EQ(life.shares_number, 1u) << "what is judged begins anew";
}

TEST_F(LifeTest, ScheduleBeginsWithItsFirstStep) {
  settings.schedule = {step(100), step(5000)};
  life = begin_life(settings, kNow);
  EXPECT_EQ(life.weights_bp, (Weights{100, 9900}));
  EXPECT_EQ(life.ramp, (Ramp{1, kNow, false, 0}));
  auto one = change(Action::advance);
  one.requests = 17;
  ASSERT_EQ(apply_to(life, one), "");
  EXPECT_EQ(life.weights_bp, (Weights{5000, 5000}));
  EXPECT_EQ(life.ramp, (Ramp{2, kNow, false, 17}));
  EXPECT_EQ(apply_to(life, one), "experiment.wrong_state");
}

TEST_F(LifeTest, FirstStepMayWaitForAnApproval) {
  settings.schedule = {step(100, std::chrono::minutes(0), 0, true), step(5000)};
  life = begin_life(settings, kNow);
  EXPECT_EQ(life.weights_bp, (Weights{0, 10000}));
  EXPECT_EQ(life.ramp->taken, 0u);
  ASSERT_EQ(apply_to(life, change(Action::approve)), "");
  EXPECT_EQ(life.weights_bp, (Weights{0, 10000}));
  EXPECT_TRUE(life.ramp->approved);
  EXPECT_EQ(apply_to(life, change(Action::approve)), "experiment.wrong_state");
}

TEST_F(LifeTest, WeightsByHandHoldTheScheduleUntilItIsResumed) {
  settings.schedule = {step(100), step(5000)};
  life = begin_life(settings, kNow);
  ASSERT_EQ(apply_to(life, change(Action::weights, {300, 9700})), "");
  EXPECT_NE(life.held, "");
  auto one = change(Action::resume);
  one.requests = 5;
  ASSERT_EQ(apply_to(life, one), "");
  EXPECT_EQ(life.held, "");
  EXPECT_EQ(life.ramp->requests_before, 5u);
  EXPECT_EQ(apply_to(life, one), "experiment.wrong_state");
}

TEST_F(LifeTest, StartAfterARollbackBeginsTheScheduleAgain) {
  settings.schedule = {step(100), step(5000)};
  life = begin_life(settings, kNow);
  ASSERT_EQ(apply_to(life, change(Action::advance)), "");
  ASSERT_EQ(apply_to(life, change(Action::rollback)), "");
  auto resumed = life;
  ASSERT_EQ(apply_to(resumed, change(Action::resume)), "");
  EXPECT_NE(resumed.held, "");
  ASSERT_EQ(apply_to(life, change(Action::start)), "");
  EXPECT_EQ(life.weights_bp, (Weights{100, 9900}));
  EXPECT_EQ(life.ramp->taken, 1u);
}

TEST_F(LifeTest, NewArmsInTheFileCountButAnswerNoRollback) {
  ASSERT_EQ(apply_to(life, change(Action::weights, {100, 9900})), "");
  const auto changed = apply_new_arms(two_arms(2000), life, kNow);
  EXPECT_EQ(changed.weights_bp, (Weights{2000, 8000}));
  EXPECT_EQ(changed.revision, 3u);
  EXPECT_EQ(changed.epoch, 2u);
  EXPECT_EQ(changed.updated_by, "file");
  ASSERT_EQ(apply_to(life, change(Action::rollback)), "");
  const auto latched = apply_new_arms(two_arms(2000), life, kNow);
  EXPECT_EQ(latched.state, State::rolled_back);
  EXPECT_EQ(latched.weights_bp, (Weights{0, 10000}));
}

TEST_F(LifeTest, NewScheduleInTheFileGoesOnFromThePresentWeights) {
  ASSERT_EQ(apply_to(life, change(Action::weights, {600, 9400})), "");
  settings.schedule = {step(100), step(500), step(1000)};
  const auto changed = apply_new_schedule(settings, life, kNow, 3);
  EXPECT_EQ(changed.weights_bp, (Weights{600, 9400}));
  EXPECT_EQ(changed.ramp, (Ramp{2, kNow, false, 3}));
  EXPECT_FALSE(raises_candidate(settings, life, changed));
}

TEST_F(LifeTest, RangesOverrideWeightsAndHaveToFit) {
  auto one = change(Action::weights);
  one.ranges = {{0, 100, 299}, {0, 9000, 9099}};
  ASSERT_EQ(apply_to(life, one), "");
  EXPECT_EQ(life.weights_bp, (Weights{300, 9700}));
  const auto layout = layout_of(settings, life);
  EXPECT_EQ(layout->owner[100], 0);
  EXPECT_EQ(layout->owner[300], 1);
  EXPECT_EQ(layout->revision, life.revision);
  ASSERT_EQ(apply_to(life, change(Action::weights, {300, 9700})), "");
  EXPECT_TRUE(life.ranges.empty());
  for (const auto& wrong : {experiment::Range{2, 0, 1}, experiment::Range{0, 2, 1}, experiment::Range{0, 0, 10000}}) {
    one.ranges = {wrong};
    EXPECT_EQ(apply_to(life, one), "experiment.bad_weights");
  }
  one.ranges = {{0, 0, 10}, {1, 10, 20}};
  EXPECT_EQ(apply_to(life, one), "experiment.bad_weights");
}

TEST(Weights, AreSpreadOverTheCandidates) {
  auto settings = two_arms();
  EXPECT_EQ(spread(settings, 100), (Weights{100, 9900}));
  settings.arms = {{"a", 2000}, {"py", 7000}, {"b", 1000}};
  EXPECT_EQ(spread(settings, 300), (Weights{200, 9700, 100}));
  settings.arms = {{"a", 0}, {"py", 10000}, {"b", 0}};
  EXPECT_EQ(spread(settings, 301), (Weights{151, 9699, 150}));
  EXPECT_EQ(spread(settings, 10000), (Weights{5000, 0, 5000}));
}

TEST(Weights, InWords) {
  EXPECT_EQ(describe_weights(two_arms(), {5, 9995}), "cpp 0.05 %, py 99.95 %");
  EXPECT_EQ(describe_weights(two_arms(), {10, 9990}), "cpp 0.1 %, py 99.9 %");
  EXPECT_EQ(describe_weights(two_arms(), {5000, 5000}), "cpp 50 %, py 50 %");
}

TEST(Words, AreReadAsTheyAreWritten) {
  for (const auto action : {Action::start, Action::rollback, Action::hold})
    EXPECT_EQ(parse_action(format_action(action)), action);
  for (const auto state : {State::draft, State::rolled_back}) EXPECT_EQ(parse_state(experiment::format_state(state)), state);
  EXPECT_FALSE(parse_action("dance"));
}

TEST_F(LifeTest, ASwitchbackBeginsAnEpochWhenOtherArmsHaveTurns) {
  settings.assign = experiment::Assign::switchback;
  EXPECT_EQ(round_seconds(settings, life), 60);
  ASSERT_EQ(apply_to(life, change(Action::weights, {100, 9900})), "");
  EXPECT_EQ(life.epoch, 1u) << "the turns are the same";
  ASSERT_EQ(apply_to(life, change(Action::weights, {0, 10000})), "");
  EXPECT_EQ(life.epoch, 2u);
  EXPECT_EQ(round_seconds(settings, life), 30);
  settings.assign = experiment::Assign::sticky;
  EXPECT_EQ(round_seconds(settings, life), 0);
}

}  // namespace
}  // namespace tandem::steering
