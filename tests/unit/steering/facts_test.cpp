#include "steering/facts.hpp"

#include <gtest/gtest.h>

#include "unit/steering/settings.hpp"

namespace tandem::steering {
namespace {

constexpr std::int64_t kStart = 1'800'000'000;  // a multiple of the window

// So many requests of candidate and control in the window that begins at `unix_seconds`.
void count(measure::Record& record, std::uint32_t epoch, std::int64_t unix_seconds, std::uint64_t candidate,
           std::uint64_t control) {
  measure::Slice slice;
  slice.epochs.push_back({epoch, std::vector<measure::ByPopulation<measure::Slice::Arm>>(2)});
  slice.epochs[0].arms[0].analysed.counts.requests = candidate;
  slice.epochs[0].arms[1].rest.counts.requests = control;
  record.add(slice, unix_seconds);
}

TEST(Facts, RequestsOfCandidatesInAllEpochs) {
  report::State state;
  EXPECT_EQ(candidate_requests(two_arms(), state), 0u);
  count(state.record, 1, kStart, 3, 100);
  count(state.record, 2, kStart + 20, 4, 100);
  EXPECT_EQ(candidate_requests(two_arms(), state), 7u);
}

TEST(Facts, WindowsAreCompleteWithBothArmsAndWhenTheyHaveEnded) {
  const auto settings = two_arms();
  auto life = begin_life(settings, kNow);
  measure::Record record(2, 10);
  count(record, 1, kStart, 3, 100);
  count(record, 1, kStart + 10, 0, 100);
  count(record, 1, kStart + 20, 3, 0);
  count(record, 1, kStart + 30, 3, 1);
  count(record, 1, kStart + 40, 3, 1);
  EXPECT_EQ(complete_windows(settings, life, record, kStart, kStart + 50), 3u);
  EXPECT_EQ(complete_windows(settings, life, record, kStart, kStart + 49), 2u);
  EXPECT_EQ(complete_windows(settings, life, record, kStart + 1, kStart + 50), 2u);
  life.weights_bp = {0, 10000};  // nothing is to be expected of the candidate
  EXPECT_EQ(complete_windows(settings, life, record, kStart, kStart + 50), 4u);
}

class RequirementTest : public ::testing::Test {
 protected:
  report::Effect& effect(report::Standing standing, statistics::Direction direction, bool is_equivalent) {
    if (report.candidates.empty()) report.candidates.emplace_back();
    auto& candidate = report.candidates.front();
    candidate.name = "cpp";
    candidate.standing = report::Standing::judged;
    auto& one = candidate.effects.emplace_back();
    one.metric = report::Metric::p99;
    one.standing = standing;
    one.verdict = {direction, is_equivalent};
    return one;
  }
  std::string unmet(bool equivalent) const { return unmet_requirement(report, {"p99", equivalent}); }

  report::Report report;
};

TEST_F(RequirementTest, WithoutAVerdictIsNotMet) {
  effect(report::Standing::too_little, statistics::Direction::undecided, false).why = "3 of 30 windows";
  EXPECT_EQ(unmet(false), "a verdict on p99 of cpp: 3 of 30 windows");
  EXPECT_EQ(unmet_requirement(report, {"cpu", false}), "a verdict on cpu of cpp");
  EXPECT_EQ(unmet_requirement(report, {"mismatch", false}), "answers of cpp to be compared");
  EXPECT_EQ(passing_of({}).pass, Pass::undecided);
}

TEST_F(RequirementTest, WorseIsNotMet) {
  effect(report::Standing::judged, statistics::Direction::worse, false);
  EXPECT_EQ(unmet(false), "p99 of cpp is worse");
  EXPECT_EQ(passing_of(report).pass, Pass::no);
}

TEST_F(RequirementTest, UndecidedIsNotWorseButNotEquivalentEither) {
  effect(report::Standing::judged, statistics::Direction::undecided, false);
  EXPECT_EQ(unmet(false), "");
  EXPECT_EQ(unmet(true), "equivalence of p99 of cpp: it is undecided");
  EXPECT_EQ(passing_of(report).pass, Pass::yes);
}

TEST_F(RequirementTest, WorseWithinTheMarginIsEquivalent) {
  effect(report::Standing::judged, statistics::Direction::worse, true);
  EXPECT_EQ(unmet(true), "");
  EXPECT_EQ(passing_of(report).pass, Pass::yes);
}

class GateTest : public RequirementTest {
 protected:
  Pass gate() const { return gate_of(settings, life, fired, ramp, report).pass; }

  experiment::Settings settings = two_arms();
  Life life = begin_life(settings, kNow);
  std::vector<std::string> fired;
  std::optional<RampDecision> ramp;
};

TEST_F(GateTest, WithoutAScheduleTheVerdictsDecide) {
  EXPECT_EQ(gate(), Pass::undecided);  // nothing is known
  auto& one = effect(report::Standing::judged, statistics::Direction::undecided, false);
  EXPECT_EQ(gate(), Pass::yes);
  report.candidates.front().standing = report::Standing::invalid;
  EXPECT_EQ(gate(), Pass::undecided);
  report.candidates.front().standing = report::Standing::judged;
  one.verdict.direction = statistics::Direction::worse;
  EXPECT_EQ(gate(), Pass::no);
  one.verdict.is_equivalent = true;
  EXPECT_EQ(gate(), Pass::yes);
}

TEST_F(GateTest, FiredGuardrailFails) {
  effect(report::Standing::judged, statistics::Direction::better, false);
  fired = {"the guardrail errors of cpp has fired"};
  EXPECT_EQ(gate(), Pass::no);
}

TEST_F(GateTest, ScheduleHasToBeThroughOrWaitForAPerson) {
  settings.schedule = {step(100), step(5000, std::chrono::minutes(10), 1000, true)};
  life = begin_life(settings, kNow);
  ramp = RampDecision{RampDecision::Kind::wait, "300 s of its time to pass"};
  effect(report::Standing::judged, statistics::Direction::better, false);
  EXPECT_EQ(gate(), Pass::undecided);
  ramp = RampDecision{RampDecision::Kind::advance, "step 2 of 2 is due"};
  EXPECT_EQ(gate(), Pass::undecided);
  ramp = RampDecision{RampDecision::Kind::wait, "an approval of step 2 of 2", true};
  EXPECT_EQ(gate(), Pass::yes);
  life.ramp->taken = 0;  // nothing has run yet
  EXPECT_EQ(gate(), Pass::undecided);
  ramp = RampDecision{RampDecision::Kind::done, ""};
  EXPECT_EQ(gate(), Pass::yes);
  effect(report::Standing::judged, statistics::Direction::worse, false);
  EXPECT_EQ(gate(), Pass::no);
}

TEST_F(GateTest, EndedExperimentsAreDecided) {
  life.state = experiment::State::rolled_back;
  EXPECT_EQ(gate(), Pass::no);
  life.state = experiment::State::concluded;
  EXPECT_EQ(gate(), Pass::yes);
  life.weights_bp = {0, 10000};
  EXPECT_EQ(gate(), Pass::no);
  life.state = experiment::State::paused;
  effect(report::Standing::judged, statistics::Direction::better, false);
  EXPECT_EQ(gate(), Pass::undecided);
}

}  // namespace
}  // namespace tandem::steering
