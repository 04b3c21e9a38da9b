#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "benchmark/benchmark.hpp"
#include "support/made_up_run.hpp"

namespace tandem::benchmark {
namespace {

using test::made_up_run;
using test::MadeUp;

const Effect& effect(const Findings& findings, Metric metric) {
  return *std::find_if(findings.effects.begin(), findings.effects.end(),
                       [&](const Effect& each) { return each.metric == metric; });
}

std::string words(const Findings& findings, Metric metric) { return std::string(effect(findings, metric).verdict.words()); }

TEST(EvaluateBenchmark, FindsWhatIsThere) {
  const auto findings = evaluate(made_up_run({.ratio = 0.5}));
  ASSERT_TRUE(findings.is_valid);
  EXPECT_TRUE(findings.is_complete);
  for (const auto metric : {Metric::mean, Metric::p50, Metric::p90, Metric::p99, Metric::cpu}) {
    EXPECT_EQ(words(findings, metric), "better") << name_of(metric);
    EXPECT_NEAR(effect(findings, metric).ratio, 0.5, 0.02) << name_of(metric);
    EXPECT_TRUE(effect(findings, metric).interval.contains(0.5)) << name_of(metric);
  }
  EXPECT_EQ(words(evaluate(made_up_run({.ratio = 1.5})), Metric::mean), "worse");
}

TEST(EvaluateBenchmark, TheSameTwiceIsEquivalent) {
  const auto findings = evaluate(made_up_run({}));
  for (const auto& one : findings.effects) {
    if (!one.is_judged) continue;
    EXPECT_EQ(one.verdict.words(), "equivalent") << name_of(one.metric);
  }
}

// The Student interval of known differences, alpha halved for the mean: t(5; 0.9875) = 3.1634.
TEST(EvaluateBenchmark, TheIntervalIsStudents) {
  auto run = made_up_run({.ratio = 1, .jitter = 0, .pairs = 6});
  const double differences[] = {0.10, 0.20, 0.15, 0.05, 0.25, 0.15};
  for (auto& block : run.blocks)
    if (!block.is_calibration && block.side == loadgen::Side::candidate) {
      loadgen::Latencies latency;
      latency.record(Nanoseconds(static_cast<Nanoseconds::rep>(1e6 * std::exp(differences[block.pair]))));
      block.latency = latency;
    } else {
      block.latency = {};
      block.latency.record(Milliseconds(1));
    }
  const auto findings = evaluate(run);
  const auto& mean = effect(findings, Metric::mean);
  EXPECT_NEAR(std::log(mean.ratio), 0.15, 1e-6);
  EXPECT_NEAR(std::log(mean.interval.high), 0.15 + 3.1634 * 0.0707107 / std::sqrt(6.0), 1e-4);
  EXPECT_NEAR(mean.sign_flip_p, 2.0 / 64, 1e-9);
}

TEST(EvaluateBenchmark, FewPairsGiveNoVerdict) {
  const auto findings = evaluate(made_up_run({.ratio = 0.5, .pairs = 5}));
  for (const auto& one : findings.effects) {
    EXPECT_FALSE(one.is_judged);
    EXPECT_EQ(one.why, "a verdict needs 6 pairs of blocks");
  }
}

TEST(EvaluateBenchmark, FewRequestsGiveNoVerdictOnTails) {
  const auto findings = evaluate(made_up_run({.ratio = 0.5, .requests = 298}));
  EXPECT_TRUE(effect(findings, Metric::p90).is_judged);
  EXPECT_EQ(effect(findings, Metric::p99).why, "p99 needs 299 requests in each block");
  EXPECT_EQ(effect(findings, Metric::p999).why, "p99.9 needs 2995 requests in each block");
  EXPECT_TRUE(effect(evaluate(made_up_run({.requests = 299})), Metric::p99).is_judged);
}

TEST(EvaluateBenchmark, WhatControlDiffersFromItselfByIsNoEffect) {
  auto run = made_up_run({.ratio = 0.8, .jitter = 0.001});
  ASSERT_EQ(words(evaluate(run), Metric::mean), "better");
  for (auto& block : run.blocks)
    if (block.is_calibration && block.pair == 0 && block.side == loadgen::Side::candidate) {
      block.latency = {};
      block.latency.record(Milliseconds(2));
    }
  const auto findings = evaluate(run);
  EXPECT_EQ(words(findings, Metric::mean), "undecided");
  EXPECT_EQ(effect(findings, Metric::mean).why, "mean of control differs from itself by as much");
}

TEST(EvaluateBenchmark, WithoutCalibrationThereIsNoVerdict) {
  EXPECT_FALSE(effect(evaluate(made_up_run({.ratio = 0.5, .calibration_pairs = 0})), Metric::mean).is_judged);
}

TEST(EvaluateBenchmark, UnknownCostIsNotGuessed) {
  auto run = made_up_run({});
  for (auto& block : run.blocks) block.server_cpu_seconds = -1;
  EXPECT_EQ(effect(evaluate(run), Metric::cpu).ratio, 0);
  EXPECT_FALSE(effect(evaluate(run), Metric::cpu).is_judged);
}

TEST(EvaluateBenchmark, WhatAnIdleServerUsesIsNotTheRequests) {
  auto run = made_up_run({.jitter = 0});
  run.idle_cpu = {0.01, 0.01};
  EXPECT_NEAR(effect(evaluate(run), Metric::cpu).control, 50e3 - 0.01 / 400 * 1e9, 1);
}

struct Spoiling {
  std::string check;
  std::function<void(loadgen::Block&)> spoil;
};

class InvalidRun : public ::testing::TestWithParam<Spoiling> {};

TEST_P(InvalidRun, GivesNoNumbers) {
  auto run = made_up_run({.ratio = 0.5});
  GetParam().spoil(run.blocks.back());
  const auto findings = evaluate(run);
  EXPECT_FALSE(findings.is_valid);
  EXPECT_TRUE(findings.effects.empty());
  EXPECT_TRUE(findings.sentences.empty());
  for (const auto& check : findings.checks) EXPECT_EQ(check.is_ok, check.name != GetParam().check) << check.name;
  EXPECT_EQ(to_text(run, findings).find("0.50×"), std::string::npos);
  EXPECT_EQ(to_json(run, findings).find("\"mean_ms"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    EvaluateBenchmark, InvalidRun,
    ::testing::Values(Spoiling{"generator on time",
                               [](auto& block) {
                                 for (int i = 0; i < 200; ++i) block.lateness.record(Milliseconds(2));
                               }},
                      Spoiling{"load carried", [](auto& block) { block.answered = block.planned * 98 / 100; }},
                      Spoiling{"load carried", [](auto& block) { block.kept_up = 0.98; }},
                      Spoiling{"generator's CPU", [](auto& block) { block.generator_cpu = 0.81; }},
                      Spoiling{"connections", [](auto& block) { block.socket_errors = 1; }},
                      Spoiling{"server's configuration", [](auto& block) { block.server_revision = 2; }},
                      Spoiling{"clock", [](auto& block) { block.clock_step = Milliseconds(-10); }}));

// 5 % of a slow arm's median is much; it says nothing of a quick one.
TEST(EvaluateBenchmark, LatenessIsHeldAgainstTheArmsOwnMedian) {
  auto run = made_up_run({});
  const auto slow = [](loadgen::Block& block, int late_ms) {
    block.latency = block.lateness = {};
    for (int i = 0; i < 400; ++i) {
      block.latency.record(Milliseconds(100));
      block.lateness.record(Milliseconds(late_ms));
    }
  };
  for (auto& block : run.blocks)
    if (block.side == loadgen::Side::control) slow(block, 4);
  EXPECT_TRUE(evaluate(run).is_valid);
  for (int i = 0; i < 200; ++i) run.blocks.back().lateness.record(Milliseconds(4));  // a candidate's, of 1 ms
  const auto findings = evaluate(run);
  ASSERT_FALSE(findings.is_valid);
  EXPECT_EQ(findings.checks.front().value, "p99 4.01 ms late");
  EXPECT_EQ(findings.checks.front().demand, "at most 1 ms");
}

TEST(EvaluateBenchmark, ShedLoadIsNotJudged) {
  auto run = made_up_run({.ratio = 0.1});
  for (auto& block : run.blocks)
    if (block.side == loadgen::Side::candidate && !block.is_calibration) block.wrong_status = 20;
  const auto findings = evaluate(run);
  ASSERT_TRUE(findings.is_valid);
  for (const auto& one : findings.effects) {
    EXPECT_FALSE(one.is_judged) << name_of(one.metric);
    EXPECT_NE(one.why.find("of cpp's answers have another status than expected"), std::string::npos) << one.why;
  }
  EXPECT_NE(to_text(run, findings).find("Latency and cost are not judged: 5"), std::string::npos);
  EXPECT_NE(to_json(run, findings).find("\"wrong_status\": 160"), std::string::npos);
  for (auto& block : run.blocks) block.wrong_status /= 10;  // half a percent
  EXPECT_EQ(words(evaluate(run), Metric::mean), "better");
}

TEST(EvaluateBenchmark, CapacityIsASentenceAndRows) {
  auto run = made_up_run({});
  run.plan.goal = Goal{0.99, Milliseconds(20), "p99=20ms"};
  run.capacity_control =
      Capacity{120, false, false, {{100, 100, 5e6, true, false, ""}, {200, 120, 3e9, false, false, "load not carried"}}};
  run.capacity_candidate = Capacity{900, false, true, {{900, 899, 7e6, true, true, ""}}};
  const auto text = to_text(run, evaluate(run));
  EXPECT_NE(text.find("p99=20ms is kept by py up to 120 requests a second, by cpp at 900 requests a second or more"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("missed: load not carried"), std::string::npos);
  EXPECT_NE(text.find("cpp, again"), std::string::npos);
  run.capacity_control = Capacity{};
  run.capacity_candidate = Capacity{0, true, false, {}};
  EXPECT_NE(to_text(run, evaluate(run)).find("py at no rate that was tried, by cpp at no rate three times in a row"),
            std::string::npos);
}

TEST(EvaluateBenchmark, HalfAPairDoesNotCount) {
  auto run = made_up_run({.ratio = 0.5});
  run.blocks.pop_back();
  run.is_interrupted = true;
  const auto findings = evaluate(run);
  EXPECT_FALSE(findings.is_complete);
  EXPECT_EQ(findings.control.planned, 7U * 400);
  EXPECT_EQ(findings.candidate.planned, 7U * 400);
}

// A wrong verdict is worse than none: 400 runs of the same thing twice, at every level of noise.
TEST(EvaluateBenchmark, FalseAlarmsAreRare) {
  for (const double jitter : {0.005, 0.05, 0.3}) {
    int alarms = 0;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
      const auto findings = evaluate(made_up_run({.jitter = jitter, .requests = 30, .seed = seed}));
      const bool is_alarm = std::any_of(findings.effects.begin(), findings.effects.end(), [](const Effect& each) {
        return each.is_judged && each.verdict.words() != "equivalent" && each.verdict.words() != "undecided" &&
               !each.verdict.is_equivalent;
      });
      alarms += is_alarm ? 1 : 0;
    }
    EXPECT_LE(alarms, 20 + 13) << jitter;  // 5 % of 400, and three deviations
  }
}

}  // namespace
}  // namespace tandem::benchmark
