#include "steering/guardrails.hpp"

#include <gtest/gtest.h>

#include <random>

#include "unit/steering/settings.hpp"

namespace tandem::steering {
namespace {

using experiment::GuardrailSettings;
using Metric = GuardrailSettings::Metric;

constexpr std::int64_t kStart = 1'800'000'000;

GuardrailSettings guardrail(Metric metric, double margin, double quantile = 0) {
  GuardrailSettings one;
  one.metric = metric;
  one.margin = margin;
  one.quantile = quantile;
  return one;
}

// Traffic of two arms, a second at a time.
class Traffic {
 public:
  explicit Traffic(unsigned seed) : random_(seed) {}

  struct Arm {
    double requests = 0;  // a second
    double error_rate = 0;
    double milliseconds = 10;
    double slow_client = 0;  // share of the requests that come from one client, which waits five times as long
  };
  void second(const Arm& candidate, const Arm& control) {
    measure::Slice slice;
    slice.epochs.push_back({1, std::vector<measure::ByPopulation<measure::Slice::Arm>>(2)});
    count(candidate, slice.epochs[0].arms[0]);
    count(control, slice.epochs[0].arms[1]);
    record.add(slice, now);
    ++now;
  }

  measure::Record record{2, 10};
  std::int64_t now = kStart;

 private:
  void count(const Arm& arm, measure::ByPopulation<measure::Slice::Arm>& into) {
    auto& counts = into.rest.counts;  // guardrails look at all of it
    counts.requests = std::poisson_distribution<std::uint64_t>(arm.requests)(random_);
    counts.errors = std::binomial_distribution<std::uint64_t>(counts.requests, arm.error_rate)(random_);
    std::map<std::size_t, std::uint64_t> buckets;
    std::lognormal_distribution<double> time(std::log(arm.milliseconds * 1e6), 0.5);
    const auto of_slow_client = static_cast<std::uint64_t>(arm.slow_client * static_cast<double>(counts.requests));
    auto& clusters = into.rest.totals.clusters;
    std::vector<std::map<std::size_t, std::uint64_t>> coarse(clusters.size());
    for (std::uint64_t i = 0; i < counts.requests; ++i) {
      const bool is_slow = i < of_slow_client;
      const auto ns = static_cast<std::uint64_t>(time(random_) * (is_slow ? 5 : 1));
      counts.total_ns += ns;
      ++buckets[measure::FineBuckets::index_of(ns)];
      const auto number = is_slow ? 0 : 1 + random_() % (clusters.size() - 1);
      ++clusters[number].requests;
      clusters[number].total_ns += ns;
      ++coarse[number][measure::CoarseBuckets::index_of(ns)];
    }
    for (const auto& [bucket, n] : buckets) counts.total.append(bucket, n);
    for (std::size_t i = 0; i < clusters.size(); ++i)
      for (const auto& [bucket, n] : coarse[i]) clusters[i].total.append(bucket, n);
  }

  std::mt19937 random_;
};

class GuardrailsTest : public ::testing::Test {
 protected:
  bool fires(const Traffic& traffic) const {
    Scope scope;
    scope.now = traffic.now;
    for (const auto& one : judge(settings, traffic.record, {}, scope))
      if (one.has_fired) return true;
    return false;
  }
  // Seconds until it fires, at most `limit`.
  int seconds_to_fire(unsigned seed, const Traffic::Arm& candidate, const Traffic::Arm& control, int limit) const {
    Traffic traffic(seed);
    for (int second = 1; second <= limit; ++second) {
      traffic.second(candidate, control);
      if (fires(traffic)) return second;
    }
    return limit + 1;
  }

  experiment::Settings settings = two_arms(100);
};

TEST_F(GuardrailsTest, AlphaIsSplit) {
  settings.guardrails = {guardrail(Metric::errors, 1.5), guardrail(Metric::timeouts, 1.5), guardrail(Metric::cpu, 2)};
  EXPECT_DOUBLE_EQ(guardrail_alpha(settings, 0), 0.01 / 3);
  settings.guardrails[0].alpha = 0.004;
  EXPECT_DOUBLE_EQ(guardrail_alpha(settings, 0), 0.004);
  EXPECT_DOUBLE_EQ(guardrail_alpha(settings, 1), 0.003);
  settings.arms.push_back({"third", 0});
  EXPECT_DOUBLE_EQ(guardrail_alpha(settings, 1), 0.0015);
}

TEST_F(GuardrailsTest, NoDataFiresNothing) {
  settings.guardrails = {guardrail(Metric::errors, 1.5),   guardrail(Metric::latency, 1.25, 0.99),
                         guardrail(Metric::latency, 1.25), guardrail(Metric::cpu, 2),
                         guardrail(Metric::srm, 0),        guardrail(Metric::mismatch, 0.01)};
  EXPECT_TRUE(judge(settings, measure::Record(2, 10), {}, {}).empty());
  Traffic traffic(1);
  for (int i = 0; i < 100; ++i) traffic.second({0, 0, 10}, {100, 0.5, 10});
  EXPECT_FALSE(fires(traffic));
}

TEST_F(GuardrailsTest, TenTimesTheErrorsAtOnePerCentAreFoundInTwoMinutes) {
  settings.guardrails = {guardrail(Metric::errors, 1.5)};
  int found = 0;
  for (unsigned seed = 1; seed <= 40; ++seed)
    if (seconds_to_fire(seed, {2, 0.05, 10}, {198, 0.005, 10}, 120) <= 120) ++found;
  EXPECT_GE(found, 36);
}

TEST_F(GuardrailsTest, AtFivePerCentInFortySeconds) {
  settings.guardrails = {guardrail(Metric::errors, 1.5)};
  int found = 0;
  for (unsigned seed = 1; seed <= 40; ++seed)
    if (seconds_to_fire(seed, {10, 0.05, 10}, {190, 0.005, 10}, 40) <= 40) ++found;
  EXPECT_GE(found, 36);
}

// The six of an experiment without a word about guardrails, looked at as the server does: events every second, the rest at
// the end of a window.
class DefaultGuardrailsTest : public GuardrailsTest {
 protected:
  DefaultGuardrailsTest() {
    settings.guardrails = {guardrail(Metric::errors, 1.5),         guardrail(Metric::timeouts, 1.5),
                           guardrail(Metric::latency, 1.25, 0.99), guardrail(Metric::cpu, 2),
                           guardrail(Metric::mismatch, 0.01),      guardrail(Metric::srm, 0)};
  }
  int seconds_to_rollback(unsigned seed, double share, double factor, int limit) const {
    Traffic traffic(seed);
    for (int second = 1; second <= limit; ++second) {
      traffic.second({200 * share, 0.005 * factor, 10}, {200 * (1 - share), 0.005, 10});
      Scope scope;
      scope.now = traffic.now;
      scope.with_windows = traffic.now % 10 == 0;
      for (const auto& one : judge(settings, traffic.record, {}, scope))
        if (one.has_fired) return second;
    }
    return limit + 1;
  }
  int found_within(int limit, double share, double factor) const {
    int found = 0;
    for (unsigned seed = 1; seed <= 40; ++seed) found += seconds_to_rollback(seed, share, factor, limit) <= limit;
    return found;
  }
};

TEST_F(DefaultGuardrailsTest, AHundredTimesTheErrorsAtOnePerCentAreFoundInTwentySeconds) {
  EXPECT_GE(found_within(20, 0.01, 100), 36);
}

TEST_F(DefaultGuardrailsTest, TenTimesTheErrorsAtFivePerCentAreFoundInFortySeconds) {
  EXPECT_GE(found_within(40, 0.05, 10), 36);
}

TEST_F(GuardrailsTest, EqualErrorRatesAreLeftAlone) {
  settings.guardrails = {guardrail(Metric::errors, 1.5), guardrail(Metric::latency, 1.25, 0.99)};
  int fired = 0;
  for (unsigned seed = 1; seed <= 30; ++seed) {
    Traffic traffic(seed);
    for (int i = 0; i < 300; ++i) traffic.second({10, 0.02, 10}, {90, 0.02, 10});
    if (fires(traffic)) ++fired;
  }
  EXPECT_LE(fired, 1);
}

TEST_F(GuardrailsTest, FewErrorsMoreAreNobodysEmergency) {
  settings.guardrails = {guardrail(Metric::errors, 1.5)};
  measure::Record record(2, 10);
  measure::Slice slice;
  slice.epochs.push_back({1, std::vector<measure::ByPopulation<measure::Slice::Arm>>(2)});
  slice.epochs[0].arms[0].rest.counts.requests = slice.epochs[0].arms[1].rest.counts.requests = 1'000'000;
  slice.epochs[0].arms[0].rest.counts.errors = 900;
  slice.epochs[0].arms[1].rest.counts.errors = 10;
  record.add(slice, kStart);
  const auto judgements = judge(settings, record, {}, {});
  ASSERT_EQ(judgements.size(), 1u);
  EXPECT_GT(judgements[0].ln_e, 100);
  EXPECT_FALSE(judgements[0].has_fired);
}

TEST_F(GuardrailsTest, ErrorsOfBothDuringARampAreNoExcess) {
  settings.guardrails = {guardrail(Metric::errors, 1.5)};
  Traffic traffic(3);
  for (int i = 0; i < 100; ++i) traffic.second({1, 0.001, 10}, {199, 0.001, 10});
  for (int i = 0; i < 100; ++i) traffic.second({100, 0.2, 10}, {100, 0.2, 10});  // a bad hour, at half of the traffic
  EXPECT_FALSE(fires(traffic));
}

TEST_F(GuardrailsTest, SlowTailIsFound) {
  settings.guardrails = {guardrail(Metric::latency, 1.25, 0.99)};
  Traffic slow(5), same(6);
  for (int i = 0; i < 300; ++i) {
    slow.second({50, 0, 20}, {50, 0, 10});
    same.second({50, 0, 10}, {50, 0, 10});
  }
  EXPECT_TRUE(fires(slow));
  EXPECT_FALSE(fires(same));
}

TEST_F(GuardrailsTest, SlowMeanIsFoundAfterEnoughWindows) {
  settings.guardrails = {guardrail(Metric::latency, 1.25)};
  Traffic traffic(7);
  for (int i = 0; i < 200; ++i) traffic.second({50, 0, 20}, {50, 0, 10});
  EXPECT_FALSE(fires(traffic));  // 20 windows of 30
  for (int i = 0; i < 200; ++i) traffic.second({50, 0, 20}, {50, 0, 10});
  EXPECT_TRUE(fires(traffic));
}

TEST_F(GuardrailsTest, OneSlowClientIsNoSlowCandidate) {
  Traffic traffic(9);
  for (int i = 0; i < 400; ++i) traffic.second({50, 0, 10, 0.3}, {50, 0, 10});
  for (const auto& one : {guardrail(Metric::latency, 1.25), guardrail(Metric::latency, 1.25, 0.9)}) {
    settings.guardrails = {one};
    EXPECT_FALSE(fires(traffic)) << one.quantile;
  }
}

TEST_F(GuardrailsTest, WhatWasBeforeTheScopeIsForgiven) {
  settings.guardrails = {guardrail(Metric::errors, 1.5)};
  Traffic traffic(8);
  for (int i = 0; i < 60; ++i) traffic.second({50, 0.5, 10}, {50, 0, 10});
  ASSERT_TRUE(fires(traffic));
  Scope later;
  later.from_epoch = 2;
  EXPECT_TRUE(judge(settings, traffic.record, {}, later).empty());
}

TEST_F(GuardrailsTest, TooManyKeysOnOneSideAreFound) {
  settings.guardrails = {guardrail(Metric::srm, 0)};
  const auto judged = [&](std::uint32_t candidate_keys, std::uint32_t control_keys) {
    measure::Record record(2, 10);
    measure::Slice slice;
    slice.epochs.push_back({1, std::vector<measure::ByPopulation<measure::Slice::Arm>>(2)});
    std::vector<std::uint32_t> hashes;
    for (std::uint32_t i = 0; i < candidate_keys; ++i) hashes.push_back(2 * i);
    slice.epochs[0].arms[0].analysed.totals.keys = {measure::KeySample::kEverything, hashes};
    hashes.clear();
    for (std::uint32_t i = 0; i < control_keys; ++i) hashes.push_back(2 * i + 1);
    slice.epochs[0].arms[1].analysed.totals.keys = {measure::KeySample::kEverything, hashes};
    slice.epochs[0].arms[1].analysed.counts.requests = 1;
    record.add(slice, kStart);
    const auto judgements = judge(settings, record, {}, {});
    return !judgements.empty() && judgements[0].has_fired;
  };
  EXPECT_TRUE(judged(1000, 1300));
  EXPECT_FALSE(judged(1000, 1010));
  EXPECT_FALSE(judged(10, 14));
}

// Judged anew at each split, of which there may be many: together they have the α of one.
TEST_F(GuardrailsTest, BeginningsShareAlpha) {
  double sum = 0;
  for (std::uint32_t number = 1; number <= 1000; ++number) sum += alpha_of_beginning(0.01, number);
  EXPECT_LT(sum, 0.01);
  EXPECT_GT(sum, 0.00999);
  EXPECT_DOUBLE_EQ(alpha_of_beginning(0.01, 1), 0.005);
}

// Before: windows that begin before the last change of weights, by a clock that was right then, counted for nothing.
TEST_F(GuardrailsTest, AClockThatWasSetBackBlindsNobody) {
  settings.guardrails = {guardrail(Metric::latency, 1.25, 0.99)};
  Traffic traffic(9);
  SharesSince since;
  const auto look = [&] {
    Scope scope;
    scope.now = traffic.now;
    scope.shares_since = since.at(kStart, traffic.now);
    const auto judgements = judge(settings, traffic.record, {}, scope);
    return !judgements.empty() && judgements[0].has_fired;
  };
  EXPECT_FALSE(look());
  traffic.now = kStart - 3600;  // an hour back
  bool fired = false;
  for (int second = 0; second < 300 && !fired; ++second) {
    traffic.second({100, 0, 30}, {100, 0, 10});
    fired = look();
  }
  EXPECT_TRUE(fired);
  EXPECT_EQ(since.at(kStart + 7200, kStart + 8000), kStart + 7200) << "the next change counts from when it is made";
}

// Three arms of 60, 30 and 10 %, and one candidate with most of the traffic: what is compared is not one to one, and not
// meant to be.
TEST_F(GuardrailsTest, UnequalSharesThatWereMeantAreNoMismatch) {
  settings.guardrails = {guardrail(Metric::srm, 0)};
  const auto fired = [&](const std::vector<unsigned>& weights, const std::vector<std::uint32_t>& keys) {
    measure::Record record(weights.size(), 10);
    record.begin_epoch(1, kStart, weights);
    measure::Slice slice;
    slice.epochs.push_back({1, std::vector<measure::ByPopulation<measure::Slice::Arm>>(weights.size())});
    std::uint32_t next = 0;
    for (std::size_t arm = 0; arm < weights.size(); ++arm) {
      std::vector<std::uint32_t> hashes(keys[arm]);
      for (auto& hash : hashes) hash = next++;
      auto& into = slice.epochs[0].arms[arm].analysed;
      into.totals.keys = {measure::KeySample::kEverything, hashes};
      into.counts.requests = 1;
    }
    record.add(slice, kStart);
    std::vector<std::size_t> arms;
    for (const auto& one : judge(settings, record, {}, {}))
      if (one.has_fired) arms.push_back(one.arm);
    return arms;
  };
  using Arms = std::vector<std::size_t>;
  EXPECT_EQ(fired({7000, 3000}, {7000, 3000}), Arms());
  EXPECT_EQ(fired({7000, 3000}, {7000, 5000}), Arms{0});
  EXPECT_EQ(fired({10000, 0}, {7000, 0}), Arms());

  settings.arms = {{"cpp", 3000}, {"py", 6000}, {"go", 1000}};
  EXPECT_EQ(fired({3000, 6000, 1000}, {3000, 3000, 1000}), Arms());
  EXPECT_EQ(fired({3000, 6000, 1000}, {3000, 3000, 3000}), Arms{2});
}

TEST_F(GuardrailsTest, AnswersThatDifferAreFound) {
  settings.guardrails = {guardrail(Metric::mismatch, 0.01)};
  const auto judged = [&](int mismatches, int matches) {
    std::map<std::string, comparison::Tally> comparisons;
    for (int i = 0; i < mismatches; ++i) comparisons["cpp"].add(comparison::Outcome::mismatch);
    for (int i = 0; i < matches; ++i) comparisons["cpp"].add(comparison::Outcome::match);
    return judge(settings, measure::Record(2, 10), comparisons, {}).at(0).has_fired;
  };
  EXPECT_TRUE(judged(50, 950));
  EXPECT_FALSE(judged(12, 988));
  EXPECT_FALSE(judged(1, 0));
}

}  // namespace
}  // namespace tandem::steering
