#include "report/report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <utility>

#include "report/format.hpp"
#include "unit/report/traffic.hpp"

namespace tandem::report {
namespace {

const Effect& effect_of(const Report& report, Metric metric) {
  for (const auto& effect : report.candidates.front().effects)
    if (effect.metric == metric) return effect;
  throw std::logic_error("no such metric");
}

TEST(Evaluate, NothingIsNoData) {
  const auto report = evaluate(state_of());
  EXPECT_EQ(report.candidates.front().standing, Standing::no_data);
  EXPECT_EQ(effect_of(report, Metric::mean).standing, Standing::no_data);
  EXPECT_NE(to_text(report).find("no data"), std::string::npos);
}

TEST(Evaluate, FewWindowsAreTooLittle) {
  auto state = state_of();
  Traffic().fill(state, 29, 30, 2, 1);
  const auto report = evaluate(state);
  EXPECT_EQ(report.candidates.front().standing, Standing::too_little);
  EXPECT_EQ(report.candidates.front().why, "29 of 30 windows with 20 requests of each arm");
}

TEST(Evaluate, ShortTimeIsTooLittle) {
  auto state = state_of();
  state.record = measure::Record(2, 1);
  state.record.begin_epoch(1, kStart, {5000, 5000});
  Traffic traffic;
  for (int i = 0; i < 60; ++i)
    for (const auto arm : {kControl, kCandidate}) traffic.add(state, arm, kStart + i, 25, 2);
  EXPECT_EQ(evaluate(state).candidates.front().why, "60 of 300 seconds");
}

TEST(Evaluate, AFasterCandidateIsBetter) {
  auto state = state_of();
  Traffic().fill(state, 60, 100, 2, 1);
  const auto report = evaluate(state);
  EXPECT_EQ(report.candidates.front().standing, Standing::judged) << report.candidates.front().why;
  for (const auto metric : {Metric::mean, Metric::p50, Metric::p95, Metric::p99, Metric::cpu}) {
    const auto& effect = effect_of(report, metric);
    EXPECT_EQ(effect.verdict.direction, statistics::Direction::better) << name_of(metric);
    EXPECT_NEAR(effect.ratio, 0.5, 0.08) << name_of(metric);
    EXPECT_LT(effect.interval.low, 0.5);
    EXPECT_GT(effect.interval.high, 0.5);
  }
  EXPECT_EQ(effect_of(report, Metric::p999).standing, Standing::too_little);
}

TEST(Evaluate, ASlowerCandidateIsWorse) {
  auto state = state_of();
  Traffic().fill(state, 60, 100, 1, 1.5);
  EXPECT_EQ(effect_of(evaluate(state), Metric::mean).verdict.direction, statistics::Direction::worse);
}

TEST(Evaluate, TwinsAreEquivalentOrUndecided) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    auto state = state_of();
    Traffic(seed).fill(state, 60, 100, 1, 1);
    const auto report = evaluate(state);
    for (const auto& effect : report.candidates.front().effects)
      EXPECT_EQ(effect.verdict.direction, statistics::Direction::undecided) << seed << " " << name_of(effect.metric);
  }
}

// The known answer of paired windows, through all of the record: six windows in which times are what they are there.
TEST(Evaluate, PairedWindowsAgreeWithTheirKnownAnswer) {
  auto state = state_of();
  state.demands.planned_windows = 100;
  state.demands.min_windows = 0;
  state.demands.min_seconds = 0;
  struct Window {
    int n_c, sum_c, n_t, sum_t;
  };
  Traffic traffic;
  traffic.has_keys = false;
  std::int64_t at = kStart;
  for (const auto& window : {Window{10, 20, 12, 36}, Window{20, 44, 18, 50}, Window{15, 30, 15, 48}, Window{10, 18, 11, 30},
                             Window{25, 55, 24, 70}, Window{20, 43, 20, 57}}) {
    const auto exact = [](int n, int sum) {
      return [rest = sum * std::int64_t{1'000'000}, n](measure::Observation& one) mutable {
        one.total = Nanoseconds(std::exchange(rest, 0));
        (void)n;
      };
    };
    traffic.add(state, kControl, at, window.n_c, 1, exact(window.n_c, window.sum_c));
    traffic.add(state, kCandidate, at, window.n_t, 1, exact(window.n_t, window.sum_t));
    at += 10;
  }
  const auto report = evaluate(state);
  const auto& effect = effect_of(report, Metric::mean);
  EXPECT_NEAR(std::log(effect.ratio), 0.3262157365, 1e-9);
  EXPECT_DOUBLE_EQ(effect.alpha, 0.025);
  // At α = 0.05 the interval is [1.17590278, 1.63296159]; the primary metric has half of it.
  EXPECT_LT(effect.interval.low, 1.17590278);
  EXPECT_GT(effect.interval.high, 1.63296159);
  EXPECT_EQ(effect.verdict.direction, statistics::Direction::worse);
}

TEST(Evaluate, EpochsAreCombinedNotPooled) {
  auto state = state_of();
  state.is_matched = false;
  state.demands.min_seconds = 0;
  state.record.begin_epoch(2, kStart + 1000, {5000, 5000});
  Traffic traffic;
  for (int i = 0; i < 40; ++i) {
    traffic.add(state, kControl, kStart + 10 * i, 990, 1);
    traffic.add(state, kCandidate, kStart + 10 * i, 30, 1);
    traffic.add(state, kControl, kStart + 1000 + 10 * i, 200, 2, {}, 2);
    traffic.add(state, kCandidate, kStart + 1000 + 10 * i, 200, 2, {}, 2);
  }
  const auto report = evaluate(state);
  const auto& effect = effect_of(report, Metric::mean);
  EXPECT_GT(effect.candidate / effect.control, 1.4);  // pooled
  EXPECT_NEAR(effect.ratio, 1, 0.1);
  EXPECT_NE(effect.verdict.direction, statistics::Direction::worse);
}

TEST(Evaluate, AMissingShareOfClientsIsInvalid) {
  auto state = state_of();
  Traffic traffic;
  for (int i = 0; i < 40; ++i) {
    traffic.add(state, kControl, kStart + 10 * i, 100, 1);
    traffic.add(state, kCandidate, kStart + 10 * i, 80, 1);  // as if its slowest requests were lost
  }
  const auto report = evaluate(state);
  EXPECT_EQ(report.candidates.front().standing, Standing::invalid);
  EXPECT_NE(report.candidates.front().why.find("sample ratio mismatch"), std::string::npos);
  EXPECT_EQ(verdict_text(effect_of(report, Metric::mean)), "invalid");
}

// Above 50 % control has fewer clients than the candidate, and is meant to.
TEST(Evaluate, ACandidateWithMostOfTheTrafficIsJudged) {
  auto state = state_of();
  state.record = measure::Record(2, 10);
  state.record.begin_epoch(1, kStart, {3000, 7000});
  Traffic traffic;
  for (int i = 0; i < 40; ++i) {
    traffic.add(state, kControl, kStart + 10 * i, 90, 2);
    traffic.add(state, kCandidate, kStart + 10 * i, 210, 1);
  }
  const auto report = evaluate(state);
  EXPECT_EQ(report.candidates.front().standing, Standing::judged) << report.candidates.front().why;
  EXPECT_EQ(effect_of(report, Metric::mean).verdict.direction, statistics::Direction::better);

  // And one to one is not what was meant.
  for (int i = 0; i < 40; ++i) traffic.add(state, kControl, kStart + 10 * i, 120, 2);
  EXPECT_EQ(evaluate(state).candidates.front().standing, Standing::invalid);
}

TEST(Evaluate, TheLastStepToAHundredPerCentKeepsTheVerdict) {
  auto state = state_of();
  Traffic traffic;
  traffic.fill(state, 60, 100, 2, 1);
  const auto before = evaluate(state);
  state.record.begin_epoch(2, kStart + 600, {0, 10000});
  state.record.begin_epoch(3, kStart + 6000, {10000, 0});
  for (int i = 0; i < 200; ++i) {
    traffic.add(state, kCandidate, kStart + 600 + 10 * i, 200, 1, {}, 2);
    traffic.add(state, kControl, kStart + 6000 + 10 * i, 50, 2, {}, 3);
  }
  const auto report = evaluate(state);
  EXPECT_EQ(report.candidates.front().standing, Standing::judged) << report.candidates.front().why;
  EXPECT_EQ(effect_of(report, Metric::mean).ratio, effect_of(before, Metric::mean).ratio);
  EXPECT_EQ(report.candidates.front().health.warnings,
            (std::vector<std::string>{
                "in epoch 2 control had no traffic to compare with: it is no evidence for or against",
                "in epoch 3 cpp had no traffic to compare with: it is no evidence for or against",
            }));
}

TEST(Evaluate, SeveralCandidatesHaveTheSharesOfTheirLayout) {
  auto state = state_of();
  state.arms.push_back({"go", "native", 1000});
  state.record = measure::Record(3, 10);
  state.record.begin_epoch(1, kStart, {6000, 3000, 1000});
  Traffic traffic;
  for (int i = 0; i < 60; ++i) {
    traffic.add(state, kControl, kStart + 10 * i, 90, 1);  // of its 60 %, as many as the largest candidate has
    traffic.add(state, kCandidate, kStart + 10 * i, 90, 1);
    traffic.add(state, 2, kStart + 10 * i, 30, 1);
  }
  for (const auto& candidate : evaluate(state).candidates)
    EXPECT_EQ(candidate.standing, Standing::judged) << candidate.name << ": " << candidate.why;
}

TEST(Evaluate, ArmsThatRanAfterEachOtherAreInvalid) {
  auto state = state_of();
  Traffic traffic;
  for (int i = 0; i < 40; ++i) {
    traffic.add(state, kControl, kStart + 10 * i, 50, 1);
    traffic.add(state, kCandidate, kStart + 10 * (i + (i < 20 ? 0 : 20)), 50, 1);
  }
  EXPECT_NE(evaluate(state).candidates.front().why.find("did not run at the same time"), std::string::npos);
}

TEST(Evaluate, AClockThatWasSetIsToldOrInvalid) {
  auto state = state_of();
  Traffic().fill(state, 40, 50, 1, 1);
  state.record.note_clock_step(1, kStart, 2'000);
  EXPECT_EQ(evaluate(state).candidates.front().health.warnings.front(), "the clock was set by up to 2 s");
  state.record.note_clock_step(1, kStart, 60'000);
  EXPECT_EQ(evaluate(state).candidates.front().standing, Standing::invalid);
}

TEST(Evaluate, ErrorsOfTheCandidateAreFound) {
  auto state = state_of();
  int n = 0;
  Traffic traffic;
  for (int i = 0; i < 60; ++i) {
    traffic.add(state, kControl, kStart + 10 * i, 100, 1, [&](auto& one) { one.status = ++n % 100 == 0 ? 500 : 200; });
    traffic.add(state, kCandidate, kStart + 10 * i, 100, 1, [&](auto& one) { one.status = ++n % 10 == 0 ? 500 : 200; });
  }
  const auto report = evaluate(state);
  EXPECT_EQ(effect_of(report, Metric::errors).verdict.direction, statistics::Direction::worse);
  EXPECT_GT(report.candidates.front().error_ln_e, std::log(1000));
}

const Effect& errors_of(Report& report, const State& state) {
  report = evaluate(state);
  return effect_of(report, Metric::errors);
}

// `share` of the requests fail.
Traffic::Change failing(double share) {
  return [share, sum = 0.0](measure::Observation& one) mutable {
    sum += share;
    if (sum < 1) return;
    sum -= 1;
    one.status = 500;
  };
}

TEST(Evaluate, ErrorsOfOneArmAloneAreJudged) {
  Report report;
  auto state = state_of();
  Traffic().fill(state, 100, 100, 1, 1, failing(0.05));  // 0 of 10 000 against 500 of 10 000
  const auto& worse = errors_of(report, state);
  EXPECT_EQ(worse.standing, Standing::judged) << worse.why;
  EXPECT_EQ(worse.verdict.direction, statistics::Direction::worse);
  EXPECT_GT(worse.interval.low, 5);
  EXPECT_GE(worse.ratio, worse.interval.low);

  state = state_of();
  Traffic traffic;
  auto fails = failing(0.05);
  for (int i = 0; i < 100; ++i) {
    traffic.add(state, kControl, kStart + 10 * i, 100, 1, fails);
    traffic.add(state, kCandidate, kStart + 10 * i, 100, 1);
  }
  EXPECT_EQ(errors_of(report, state).verdict.direction, statistics::Direction::better);
}

// In the second epoch both have errors: its ratio alone would leave out what the first one says.
TEST(Evaluate, AnEpochInWhichOneArmHadNoErrorsCounts) {
  Report report;
  auto state = state_of();
  state.record.begin_epoch(2, kStart + 1000, {5000, 5000});
  Traffic traffic;
  for (int i = 0; i < 50; ++i) {
    traffic.add(state, kControl, kStart + 10 * i, 100, 1);
    traffic.add(state, kCandidate, kStart + 10 * i, 100, 1, failing(0.05));
    traffic.add(state, kControl, kStart + 1000 + 10 * i, 100, 1, failing(0.02), 2);
    traffic.add(state, kCandidate, kStart + 1000 + 10 * i, 100, 1, failing(0.02), 2);
  }
  const auto& effect = errors_of(report, state);
  EXPECT_EQ(effect.verdict.direction, statistics::Direction::worse);
  EXPECT_GT(effect.interval.low, 1);
}

TEST(Evaluate, AFewErrorsOfOneArmAreNotEnough) {
  Report report;
  auto state = state_of();
  int n = 0;
  Traffic().fill(state, 100, 100, 1, 1, [&](auto& one) { one.status = ++n % 4000 == 0 ? 500 : 200; });
  const auto& few = errors_of(report, state);
  EXPECT_EQ(few.standing, Standing::judged);
  EXPECT_EQ(few.verdict.direction, statistics::Direction::undecided);

  // All in one window: it happened once.
  state = state_of();
  n = 0;
  Traffic().fill(state, 100, 100, 1, 1, [&](auto& one) { one.status = ++n <= 20 ? 500 : 200; });
  const auto& bunch = errors_of(report, state);
  EXPECT_GT(bunch.design_effect, 10);
  EXPECT_EQ(bunch.verdict.direction, statistics::Direction::undecided);
}

TEST(Evaluate, NoErrorsAtAllAreNotWorseOnceThatSaysSomething) {
  Report report;
  auto state = state_of();
  Traffic().fill(state, 31, 20, 1, 1);
  EXPECT_EQ(errors_of(report, state).standing, Standing::too_little);
  EXPECT_NE(report.candidates.front().sentences.back().find("to be known to 1 %"), std::string::npos)
      << report.candidates.front().sentences.back();

  Traffic().fill(state, 100, 100, 1, 1);
  const auto& effect = errors_of(report, state);
  EXPECT_EQ(effect.standing, Standing::judged);
  EXPECT_EQ(effect.verdict.direction, statistics::Direction::undecided);
  EXPECT_FALSE(effect.verdict.is_equivalent);
  const auto& said = report.candidates.front().sentences.back();
  EXPECT_EQ(said.substr(0, 32), "errors: none of either arm, at m") << said;
  EXPECT_NE(said.find("not worse"), std::string::npos) << said;
  for (const auto& text : {to_text(report), to_markdown(report), to_json(report)})
    EXPECT_NE(text.find("not worse"), std::string::npos) << text;
}

// Two equal arms with one error in two thousand requests: an arm without any is common, and blamed in no more runs than
// may be.
TEST(Evaluate, RareErrorsOfEqualArmsAreSeldomBlamed) {
  std::mt19937_64 random(1);
  int blamed = 0;
  constexpr int kRuns = 60;
  for (int run = 0; run < kRuns; ++run) {
    auto state = state_of();
    state.demands.min_windows = 5;
    state.demands.min_seconds = 50;
    Traffic traffic(static_cast<unsigned>(run));
    bool is_blamed = false;
    for (int i = 0; i < 40; ++i) {
      for (const auto arm : {kControl, kCandidate})
        traffic.add(state, arm, kStart + 10 * i, 50, 1, [&](auto& one) { one.status = random() % 2000 == 0 ? 500 : 200; });
      if (i % 5 != 4) continue;
      const auto report = evaluate(state);
      is_blamed |= effect_of(report, Metric::errors).verdict.direction != statistics::Direction::undecided;
    }
    blamed += is_blamed;
  }
  EXPECT_LE(blamed, 2);
}

comparison::Tally tally_of(int matches, int mismatches) {
  comparison::Tally tally;
  const comparison::Signature signature{comparison::Kind::value, "$.mean", 200, 200};
  for (int i = 0; i < matches; ++i) tally.add(comparison::Outcome::match);
  for (int i = 0; i < mismatches; ++i) {
    tally.add_pair(comparison::Outcome::mismatch, {signature}, {kStart * 1000 + i, "GET /stats", "id", {}});
    tally.add_triple({signature}, {}, kStart * 1000 + i);
  }
  tally.saw_shape("200 $.mean");
  tally.covered_shape("200 $.mean");
  return tally;
}

TEST(Evaluate, DifferencesAreCountedAndJudged) {
  auto state = state_of();
  state.comparisons["cpp"] = tally_of(900, 100);
  const auto report = evaluate(state);
  const auto& answers = *report.candidates.front().answers;
  EXPECT_EQ(answers.compared, 1000u);
  EXPECT_EQ(answers.mismatches, 100u);
  EXPECT_LT(answers.rate.low, 0.1);
  EXPECT_GT(answers.rate.high, 0.1);
  ASSERT_EQ(answers.findings.size(), 1u);
  EXPECT_TRUE(answers.findings.front().is_real);
  EXPECT_NE(report.candidates.front().sentences.front().find("100 of 1000 compared pairs differ"), std::string::npos);
}

TEST(Evaluate, WhatShadowsCostIsSeenInAlternateWindows) {
  EXPECT_FALSE(evaluate(state_of()).shadow_cost);
  auto state = state_of();
  state.verified_since = kStart;
  EXPECT_EQ(evaluate(state).shadow_cost->pairs, 0u);
  EXPECT_NE(to_text(evaluate(state)).find("no two neighbouring windows"), std::string::npos);
  auto harmless = state;
  Traffic slow_traffic(3), same_traffic(4);
  for (int i = 0; i < 80; ++i) {
    const auto begins = kStart + 10 * i;
    slow_traffic.add(state, kControl, begins, 100, measure::has_shadows(begins / 10) ? 3 : 2);
    same_traffic.add(harmless, kControl, begins, 100, 2);
  }
  for (std::int64_t before = 10; before < 200; before += 10)  // not alternating yet
    slow_traffic.add(state, kControl, kStart - before, 100, 50);
  const auto found = evaluate(state).shadow_cost;
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pairs, 40u);
  for (const auto& effect : found->effects) {
    ASSERT_EQ(effect.standing, Standing::judged) << effect.why;
    EXPECT_NEAR(effect.ratio, 1.5, 0.1) << name_of(effect.metric);
    EXPECT_GT(effect.interval.low, 1.2) << name_of(effect.metric);
  }
  const auto no_cost = evaluate(harmless).shadow_cost;
  ASSERT_TRUE(no_cost);
  for (const auto& effect : no_cost->effects)
    EXPECT_TRUE(effect.interval.low < 1 && effect.interval.high > 1) << name_of(effect.metric);
  const auto text = to_text(evaluate(state));
  EXPECT_NE(text.find("live requests of py while shadows run, 40 pairs of windows"), std::string::npos) << text;
  EXPECT_NE(to_markdown(evaluate(state)).find("### Live requests of py while shadows run"), std::string::npos);
}

TEST(State, SurvivesItsText) {
  auto state = state_of();
  state.verified_since = kStart;
  Traffic().fill(state, 5, 30, 1, 2);
  state.comparisons["cpp"] = tally_of(5, 3);
  state.events = {{kStart * 1000, "weights cpp 5 %"}};
  const auto read = parse_state(to_json(state));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(*read), to_json(state));
  EXPECT_EQ(to_json(evaluate(*read)), to_json(evaluate(state)));
}

TEST(State, KeepsTheNewestEventsAndEpochs) {
  auto state = state_of();
  Traffic traffic;
  for (std::uint32_t epoch = 1; epoch <= State::kMaxEpochs + 3; ++epoch) {
    traffic.add(state, kControl, kStart + 10 * epoch, 5, 1, {}, epoch);
    traffic.add(state, kCandidate, kStart + 10 * epoch, 2, 1, {}, epoch);
  }
  for (std::size_t i = 0; i < State::kMaxEvents + 4; ++i) state.events.push_back({static_cast<std::int64_t>(i), "a change"});
  state.keep_bounded();
  EXPECT_EQ(state.record.epochs().size(), State::kMaxEpochs);
  EXPECT_EQ(state.record.epochs().begin()->first, 4u);
  EXPECT_EQ(state.events.size(), State::kMaxEvents);
  EXPECT_EQ(state.events.front().unix_ms, 4);
  EXPECT_EQ(state.forgotten, (Forgotten{3, 6, 4}));

  const auto read = parse_state(to_json(state));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->forgotten, state.forgotten);
  const auto report = evaluate(*read);
  EXPECT_NE(to_text(report).find("the oldest 3 epochs is no longer kept"), std::string::npos) << to_text(report);
}

// One of two replicas has left a rollback and forgotten what differed before: the other does not bring it back.
TEST(State, ForgottenAnswersStayForgotten) {
  auto left = state_of();
  auto behind = left;
  left.answers_since = 2;
  left.comparisons["cpp"].add(comparison::Outcome::match);
  behind.answers_since = 1;
  behind.comparisons["cpp"].add(comparison::Outcome::mismatch);
  auto one = left;
  auto other = behind;
  ASSERT_TRUE(one.merge(behind));
  ASSERT_TRUE(other.merge(left));
  for (const auto& merged : {one, other}) {
    EXPECT_EQ(merged.comparisons.at("cpp").count(comparison::Outcome::mismatch), 0u);
    EXPECT_EQ(merged.comparisons.at("cpp").count(comparison::Outcome::match), 1u);
    EXPECT_EQ(merged.answers_since, 2u);
  }
}

TEST(State, ReplicasMergeToTheWhole) {
  auto whole = state_of(), first = state_of(), second = state_of();
  for (int i = 0; i < 20; ++i)
    for (const auto arm : {kControl, kCandidate}) {
      const auto seed = static_cast<unsigned>(100 * i) + static_cast<unsigned>(arm);
      Traffic(seed).add(whole, arm, kStart + 10 * i, 40, 1);
      Traffic(seed).add(i % 2 == 0 ? first : second, arm, kStart + 10 * i, 40, 1);
    }
  ASSERT_TRUE(second.merge(first));
  EXPECT_EQ(to_json(second), to_json(whole));
  EXPECT_EQ(to_json(evaluate(second)), to_json(evaluate(whole)));
}

TEST(State, UnlikeReplicasAreInvalid) {
  auto one = state_of();
  Traffic().fill(one, 40, 30, 1, 1);
  auto other = one;
  other.salt = "another";
  ASSERT_TRUE(one.merge(other));
  EXPECT_EQ(evaluate(one).candidates.front().why, "the replicas were not configured alike: the salt");
  other.experiment = "another";
  EXPECT_EQ(one.merge(other).error().message, "the states are of two experiments, \"fib-port\" and \"another\"");
  other = one;
  other.arms[1].name = "rust";
  EXPECT_FALSE(one.merge(other));
}

TEST(State, GarbageIsAnError) {
  auto state = state_of();
  state.comparisons["cpp"] = tally_of(1, 1);
  Traffic().fill(state, 3, 5, 1, 1);
  const auto text = to_json(state);
  EXPECT_NE(parse_state("").error().message.find("no state of an experiment"), std::string::npos);
  EXPECT_FALSE(parse_state("{}"));
  EXPECT_FALSE(parse_state(text.substr(0, text.size() - 5)));
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    auto broken = text;
    broken[random() % broken.size()] = static_cast<char>('0' + random() % 60);
    if (const auto read = parse_state(broken)) (void)to_json(evaluate(*read));  // whatever it says, it says it
  }
}

TEST(Render, NamesWhatAVerdictRestsOn) {
  auto state = state_of();
  Traffic().fill(state, 60, 100, 2, 1);
  state.comparisons["cpp"] = tally_of(900, 100);
  state.events = {{kStart * 1000, "weights cpp 50 %, py 50 %"}};
  const auto text = to_text(evaluate(state));
  for (const auto* wanted :
       {"experiment fib-port on fib: running, revision 3",
        "cpp (native) against py (python), at 50 % of the traffic: judged", "60 windows of 10 s", "better", "value",
        "$.mean", "100:0", "the candidate's", "2023-11-14 22:13:20 UTC", "sample ratio p", "deff"})
    EXPECT_NE(text.find(wanted), std::string::npos) << wanted << "\n" << text;
  const auto markdown = to_markdown(evaluate(state));
  EXPECT_NE(markdown.find("| mean | "), std::string::npos);
  EXPECT_NE(markdown.find("better"), std::string::npos);
}

TEST(Render, MarkdownHasTheNoiseFloorAndTheNewestChanges) {
  auto state = state_of();
  Traffic().fill(state, 60, 100, 2, 1);
  for (int i = 0; i < 12; ++i)
    state.events.push_back({(kStart + i) * 1000, "weights by a|b: cpp " + std::to_string(i) + " %"});
  const auto markdown = to_markdown(evaluate(state, Depth::everything));
  EXPECT_NE(markdown.find("| interval | noise floor (A/A) | deff | verdict |"), std::string::npos) << markdown;
  EXPECT_NE(markdown.find("Noise floor: py against itself"), std::string::npos) << markdown;
  const auto mean = markdown.substr(markdown.find("| mean | "));
  EXPECT_EQ(std::count(mean.begin(), mean.begin() + static_cast<std::ptrdiff_t>(mean.find('\n')), '|'), 9) << mean;
  EXPECT_NE(markdown.find("| 2023-11-14 22:13:31 UTC | weights by a\\|b: cpp 11 % |"), std::string::npos) << markdown;
  EXPECT_EQ(markdown.find("cpp 1 %"), std::string::npos) << "of the newest ten alone";
}

TEST(Render, WhatEndpointsSendIsNoMarkup) {
  auto state = state_of();
  comparison::Tally tally;
  tally.add_pair(comparison::Outcome::mismatch, {{comparison::Kind::value, "$['<b>|x']", 200, 200}}, {1, "GET /", "id", {}});
  state.comparisons["cpp"] = tally;
  const auto markdown = to_markdown(evaluate(state));
  EXPECT_EQ(markdown.find("<b>"), std::string::npos);
  EXPECT_NE(markdown.find("&lt;b>\\|x"), std::string::npos) << markdown;
}

}  // namespace
}  // namespace tandem::report
