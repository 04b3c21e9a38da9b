#include "report/pictures.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "unit/report/traffic.hpp"

namespace tandem::report {
namespace {

const CandidateReport& everything_of(const Report& report) { return report.candidates.front(); }

const Progress& progress_of(const CandidateReport& candidate, Metric metric) {
  for (const auto& one : candidate.pictures->progress)
    if (one.metric == metric) return one;
  throw std::logic_error("no such progress");
}

const Effect& effect_of(const CandidateReport& candidate, Metric metric) {
  for (const auto& one : candidate.effects)
    if (one.metric == metric) return one;
  throw std::logic_error("no such effect");
}

std::uint64_t sum_of(const std::vector<std::vector<std::uint64_t>>& counts) {
  std::uint64_t sum = 0;
  for (const auto& column : counts) sum = std::accumulate(column.begin(), column.end(), sum);
  return sum;
}

TEST(Pictures, AreOnlyMadeWhenAskedFor) {
  auto state = state_of();
  Traffic().fill(state, 40, 50, 2, 1);
  EXPECT_FALSE(evaluate(state).candidates.front().pictures);
  EXPECT_FALSE(evaluate(state).candidates.front().effects.front().noise_floor);
  EXPECT_TRUE(evaluate(state, Depth::everything).candidates.front().pictures);
}

TEST(HeatMap, HoldsEveryRequestOnce) {
  auto state = state_of();
  Traffic traffic;
  traffic.fill(state, 100, 30, 2, 1);
  traffic.add(state, kControl, kStart + 5000, 7, 60'000);  // alone, late and slow
  const auto report = evaluate(state, Depth::everything);
  const auto& heat = everything_of(report).pictures->heat;
  EXPECT_EQ(sum_of(heat.control), 3007u);
  EXPECT_EQ(sum_of(heat.candidate), 3000u);
  EXPECT_EQ(heat.since, kStart);
  EXPECT_LE(heat.control.size(), 44u);
  EXPECT_EQ(heat.control.size(), heat.candidate.size());
  EXPECT_LE(heat.borders.size(), 29u);
  EXPECT_TRUE(std::is_sorted(heat.borders.begin(), heat.borders.end()));
  const auto& last = heat.control.back();
  EXPECT_EQ(std::accumulate(last.begin(), last.end(), 0u), 7u);
  for (std::size_t row = 0; row + 2 < heat.borders.size(); ++row)
    EXPECT_TRUE(last[row] == 0 || heat.borders[row] > 2e9) << row;
}

TEST(HeatMap, RowsAreAsFineAsTheRangeAllows) {
  auto state = state_of();
  Traffic().fill(state, 10, 50, 2, 2);
  const auto report = evaluate(state, Depth::everything);
  const auto& borders = everything_of(report).pictures->heat.borders;
  ASSERT_GT(borders.size(), 3u);
  for (std::size_t i = 1; i < borders.size(); ++i) EXPECT_LE(borders[i] / borders[i - 1], 1.26) << "four to an octave";
}

TEST(Progress, EndsWhereTheEffectIs) {
  auto state = state_of();
  Traffic traffic;
  traffic.has_keys = false;  // else the effect may be wider by clients
  traffic.fill(state, 100, 60, 2, 1);
  const auto report = evaluate(state, Depth::everything);
  const auto& candidate = everything_of(report);
  for (const auto metric : {Metric::mean, Metric::p99, Metric::cpu}) {
    const auto& points = progress_of(candidate, metric).points;
    const auto& effect = effect_of(candidate, metric);
    ASSERT_FALSE(points.empty());
    EXPECT_LE(points.size(), 62u);
    EXPECT_EQ(points.back().unix_seconds, kStart + 990);
    EXPECT_DOUBLE_EQ(points.back().ratio, effect.ratio) << name_of(metric);
    EXPECT_DOUBLE_EQ(points.back().interval.low, effect.interval.low) << name_of(metric);
    EXPECT_DOUBLE_EQ(points.back().interval.high, effect.interval.high) << name_of(metric);
  }
  EXPECT_TRUE(progress_of(candidate, Metric::errors).points.empty()) << "nothing failed";
}

TEST(Progress, GoesOnOverEpochs) {
  auto state = state_of();
  state.record.begin_epoch(2, kStart + 1000, {5000, 5000});
  Traffic traffic;
  traffic.has_keys = false;
  for (int i = 0; i < 40; ++i)
    for (const auto arm : {kControl, kCandidate}) {
      traffic.add(state, arm, kStart + 10 * i, 40, arm == kControl ? 1 : 2);
      traffic.add(state, arm, kStart + 1000 + 10 * i, 40, arm == kControl ? 10 : 20, {}, 2);
    }
  const auto report = evaluate(state, Depth::everything);
  const auto& candidate = everything_of(report);
  const auto& points = progress_of(candidate, Metric::mean).points;
  EXPECT_DOUBLE_EQ(points.back().ratio, effect_of(candidate, Metric::mean).ratio);
  for (const auto& point : points) EXPECT_NEAR(point.ratio, 2, 0.5);
}

TEST(Progress, KnowsItsGuardrail) {
  auto state = state_of();
  Traffic().fill(state, 40, 50, 2, 1, [](auto& one) { one.status = 500; });
  state.guardrails = {{"p99", 1.25, "rollback"}, {"p95", 1.5, "hold"}, {"mismatch", 0.01, "rollback"}};
  const auto report = evaluate(state, Depth::everything);
  const auto& candidate = everything_of(report);
  EXPECT_EQ(progress_of(candidate, Metric::p99).guardrail, 1.25);
  EXPECT_EQ(progress_of(candidate, Metric::p95).guardrail, 1.5);
  EXPECT_EQ(progress_of(candidate, Metric::mean).guardrail, 0);
  EXPECT_THROW(progress_of(candidate, Metric::p50), std::logic_error);
  EXPECT_GT(progress_of(candidate, Metric::errors).points.back().interval.low, 1)
      << "all of the candidate's failed, none of control's";
}

TEST(NoiseFloor, IsControlInTheNextWindow) {
  auto state = state_of();
  Traffic().fill(state, 60, 100, 2, 1);
  const auto report = evaluate(state, Depth::everything);
  for (const auto metric : {Metric::mean, Metric::p50, Metric::p95, Metric::cpu}) {
    const auto& effect = effect_of(everything_of(report), metric);
    ASSERT_TRUE(effect.noise_floor) << name_of(metric);
    EXPECT_NEAR(effect.noise_floor->ratio, 1, 0.05);
    EXPECT_TRUE(effect.noise_floor->interval.contains(1)) << name_of(metric);
    EXPECT_NEAR(effect.ratio, 0.5, 0.05) << "the effect is what it was";
  }
}

// Load that grows falls on both halves alike.
TEST(NoiseFloor, IsNotMovedByADrift) {
  auto state = state_of();
  Traffic traffic;
  for (int i = 0; i < 80; ++i)
    for (const auto arm : {kControl, kCandidate}) traffic.add(state, arm, kStart + 10 * i, 50 + 2 * i, 1 + 0.05 * i);
  const auto report = evaluate(state, Depth::everything);
  const auto& floor = effect_of(everything_of(report), Metric::mean).noise_floor;
  ASSERT_TRUE(floor);
  EXPECT_NEAR(floor->ratio, 1, 0.02);
}

TEST(Stages, AddUpToNoMoreThanTheWhole) {
  auto state = state_of();
  Traffic traffic;
  traffic.fill(state, 40, 50, 2, 1);
  traffic.add(state, kControl, kStart + 9000, 500, 2);  // in a window of its own, which is compared with nothing
  const auto report = evaluate(state);
  const auto& stages = everything_of(report).stages_control;
  EXPECT_NEAR(stages.exec, stages.total / 2, 2);
  EXPECT_NEAR(stages.total, 2.1e6, 0.1e6);
}

}  // namespace
}  // namespace tandem::report
