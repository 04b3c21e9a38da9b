#include "measure/record.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <vector>

#include "measure/record_json.hpp"

namespace tandem::measure {
namespace {

SparseHistogram one_value(std::size_t bucket) {
  SparseHistogram histogram;
  histogram.append(bucket, 1);
  return histogram;
}

// A slice with one request of one arm.
Slice one_request(std::uint32_t epoch, std::size_t arm, bool is_analysed, std::uint64_t ns, std::uint32_t cluster) {
  Slice slice;
  auto& part = slice.epochs.emplace_back();
  part.number = epoch;
  part.arms.resize(2);
  auto& into = part.arms[arm].of(is_analysed);
  into.counts.requests = 1;
  into.counts.errors = ns % 7 == 0;
  into.counts.bytes_out = ns % 1000;
  into.counts.total_ns = ns;
  into.counts.total = one_value(FineBuckets::index_of(ns));
  into.totals.exec = {ns / 2, one_value(FineBuckets::index_of(ns / 2))};
  auto& keys = into.totals.clusters[cluster >> 26];
  keys.requests = 1;
  keys.total_ns = ns;
  keys.total = one_value(CoarseBuckets::index_of(ns));
  into.totals.keys = KeySample(KeySample::kEverything, {cluster});
  return slice;
}

struct Event {
  std::int64_t time;
  Slice slice;
};

std::vector<Event> random_events(unsigned seed, int count, std::int64_t seconds) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> times(11, 3);
  std::vector<Event> events;
  for (int i = 0; i < count; ++i)
    events.push_back({1'700'000'000 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(seconds)),
                      one_request(static_cast<std::uint32_t>(random() % 3), random() % 2, random() % 2 == 0,
                                  static_cast<std::uint64_t>(times(random)), static_cast<std::uint32_t>(random()))});
  return events;
}

std::string text_of(const Record& record) { return to_json(record).dump(); }

TEST(Record, WindowsAreAlignedToTheWallClock) {
  Record record(2, 10);
  for (const auto time : {0, 9, 10, 19, -1, -10, -11}) record.add(one_request(0, 0, true, 100, 1), time);
  std::vector<std::pair<std::int64_t, std::uint64_t>> windows;
  for (const auto& [index, window] : record.epochs().at(0).windows) windows.emplace_back(index, window[0].analysed.requests);
  EXPECT_EQ(windows, (std::vector<std::pair<std::int64_t, std::uint64_t>>{{-2, 1}, {-1, 2}, {0, 2}, {1, 2}}));
}

TEST(Record, AnEpochKnowsItsBeginAndItsFirstWeights) {
  Record record(2, 10);
  record.add(one_request(4, 1, false, 100, 1), 1001);
  record.begin_epoch(4, 1000, {9000, 1000});
  record.begin_epoch(4, 2000, {8000, 2000});
  const auto& epoch = record.epochs().at(4);
  EXPECT_EQ(epoch.since, 1000);
  EXPECT_EQ(epoch.weights_bp, (std::vector<unsigned>{9000, 1000}));
  EXPECT_FALSE(epoch.weights_differ);
  EXPECT_EQ(epoch.counts(1).rest.requests, 1u);
  EXPECT_EQ(epoch.counts(0).rest.requests, 0u);
}

TEST(Record, ReplicasMergeInAnyOrderToOneThatSawEverything) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    // From some windows to several times as many as are kept.
    const auto events = random_events(seed, 3000, 400 << (seed % 10));
    std::mt19937 random(seed);
    Record all(2, 10);
    std::vector<Record> replicas(1 + seed % 5, Record(2, 10));
    for (const auto& event : events) {
      all.add(event.slice, event.time);
      replicas[random() % replicas.size()].add(event.slice, event.time);
    }
    for (int order = 0; order < 3; ++order) {
      std::shuffle(replicas.begin(), replicas.end(), random);
      auto merged = replicas;
      while (merged.size() > 1) {  // as a random tree
        const auto into = random() % (merged.size() - 1);
        ASSERT_TRUE(merged[into].merge(merged.back()));
        merged.pop_back();
      }
      ASSERT_TRUE(merged.front() == all) << seed;
      ASSERT_TRUE(text_of(merged.front()) == text_of(all)) << seed;
    }
  }
}

TEST(Record, TheOrderOfRequestsDoesNotMatter) {
  auto events = random_events(1, 2000, 100'000);
  Record forwards(2, 10);
  for (const auto& event : events) forwards.add(event.slice, event.time);
  std::reverse(events.begin(), events.end());  // the clock goes back all the time
  Record backwards(2, 10);
  for (const auto& event : events) backwards.add(event.slice, event.time);
  EXPECT_TRUE(text_of(forwards) == text_of(backwards));
}

TEST(Record, NeighboursMergeWhenThereAreTooManyWindows) {
  Record record(2, 10);
  const std::int64_t first = 100'000;
  for (std::int64_t i = 0; i < 2160; ++i) record.add(one_request(0, 0, true, 100, 1), (first + i) * 10);
  EXPECT_EQ(record.epochs().at(0).window_seconds, 10);
  EXPECT_EQ(record.epochs().at(0).windows.size(), 2160u);
  record.add(one_request(0, 0, true, 100, 1), (first + 2160) * 10);
  const auto& epoch = record.epochs().at(0);
  EXPECT_EQ(epoch.window_seconds, 20);
  EXPECT_EQ(epoch.windows.size(), 1081u);
  EXPECT_EQ(epoch.windows.begin()->first, first / 2);
  EXPECT_EQ(epoch.windows.begin()->second[0].analysed.requests, 2u);
  EXPECT_EQ(epoch.counts(0).analysed.requests, 2161u);
  EXPECT_EQ(record.window_seconds(), 10) << "another epoch begins with short ones";
}

TEST(Record, StatesOfDifferentWindowsMergeAtTheLongerOne) {
  Record shorter(2, 10);
  Record longer(2, 40);
  for (std::int64_t time = 0; time < 100; ++time) {
    shorter.add(one_request(0, 0, true, 100, 1), time);
    longer.add(one_request(0, 1, true, 100, 1), time);
  }
  auto one = shorter;
  auto other = longer;
  ASSERT_TRUE(one.merge(longer));
  ASSERT_TRUE(other.merge(shorter));
  EXPECT_EQ(text_of(one), text_of(other));
  const auto& epoch = one.epochs().at(0);
  EXPECT_EQ(epoch.window_seconds, 40);
  ASSERT_EQ(epoch.windows.size(), 3u);
  EXPECT_EQ(epoch.windows.at(0)[0].analysed.requests, 40u);
  EXPECT_EQ(epoch.windows.at(2)[1].analysed.requests, 20u);
}

TEST(Record, WhatCanNotBeMergedChangesNothing) {
  Record record(2, 10);
  record.add(one_request(0, 0, true, 100, 1), 5);
  const auto before = text_of(record);
  Record of_three(3, 10);
  Record unlike(2, 15);
  unlike.add(one_request(0, 0, true, 100, 1), 5);
  unlike.add(one_request(1, 0, true, 100, 1), 5);
  EXPECT_EQ(record.merge(of_three).error().message, "a record of 3 arms can't be added to one of 2");
  EXPECT_EQ(record.merge(unlike).error().message, "windows of 15 s can't be added to windows of 10 s (epoch 0)");
  EXPECT_EQ(text_of(record), before);
}

TEST(Record, UnlikeWeightsOfReplicasAreNoted) {
  const std::vector<std::vector<unsigned>> weights = {{9000, 1000}, {5000, 5000}, {}};
  Record a(2, 10), b(2, 10), unknown(2, 10);
  a.begin_epoch(1, 100, weights[0]);
  b.begin_epoch(1, 90, weights[1]);
  unknown.begin_epoch(1, 80, weights[2]);
  auto ab = a;
  ASSERT_TRUE(ab.merge(b));
  auto ba = b;
  ASSERT_TRUE(ba.merge(a));
  EXPECT_EQ(ab, ba);
  EXPECT_TRUE(ab.epochs().at(1).weights_differ);
  EXPECT_EQ(ab.epochs().at(1).since, 90);
  ASSERT_TRUE(a.merge(unknown));
  ASSERT_TRUE(a.merge(a));
  EXPECT_FALSE(a.epochs().at(1).weights_differ);
  EXPECT_EQ(a.epochs().at(1).weights_bp, weights[0]);
}

TEST(Record, StepsOfTheClockAreNoted) {
  Record a(2, 10), b(2, 10);
  a.note_clock_step(1, 100, 3000);
  a.note_clock_step(1, 50, 1500);
  b.note_clock_step(1, 100, 7000);
  ASSERT_TRUE(a.merge(b));
  EXPECT_EQ(a.epochs().at(1).clock_steps, 3u);
  EXPECT_EQ(a.epochs().at(1).largest_clock_step_ms, 7000u);
}

TEST(Record, SumsGoBeyond64Bits) {
  Record record(2, 10);
  auto slice = one_request(0, 0, true, 100, 1);
  slice.epochs[0].arms[0].analysed.counts.total_ns = ~std::uint64_t{0};
  record.add(slice, 5);
  record.add(slice, 5);
  const auto text = text_of(record);
  EXPECT_NE(text.find("\"36893488147419103230\""), std::string::npos) << text;
  const auto again = parse_record(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, record);
}

TEST(KeySample, IsExactBelowItsThreshold) {
  std::mt19937 random(7);
  std::set<std::uint32_t> seen;
  std::vector<KeySample> parts(4);
  KeySample all;
  std::vector<std::uint32_t> some;
  for (int i = 0; i < 200'000; ++i) {
    const auto hash = static_cast<std::uint32_t>(random());
    seen.insert(hash);
    some.push_back(hash);
    if (random() % 3 == 0) some.push_back(hash);  // the same client again
    if (some.size() < 1000) continue;
    const KeySample sample(KeySample::kEverything, some);
    parts[random() % parts.size()].merge(sample);
    all.merge(sample);
    some.clear();
  }
  for (const auto hash : some) seen.erase(hash);
  for (std::size_t i = 1; i < parts.size(); ++i) parts[0].merge(parts[i]);
  EXPECT_EQ(parts[0], all);
  EXPECT_EQ(all.threshold(), KeySample::kEverything / 8);
  EXPECT_LE(all.hashes().size(), KeySample::kMaxHeld);
  const auto border = std::find_if(seen.begin(), seen.end(), [&](auto hash) { return hash >= all.threshold(); });
  EXPECT_TRUE(std::equal(seen.begin(), border, all.hashes().begin(), all.hashes().end()));
  EXPECT_NEAR(static_cast<double>(all.estimate()), static_cast<double>(seen.size()),
              0.02 * static_cast<double>(seen.size()));
  EXPECT_EQ(all.count_below(all.threshold()), all.hashes().size());
  EXPECT_EQ(all.count_below(0), 0u);
}

TEST(KeySample, HoldsAsManyAsItMay) {
  std::vector<std::uint32_t> hashes;
  for (std::uint32_t i = 0; i < KeySample::kMaxHeld; ++i) hashes.push_back(i * 131072 + 5);
  KeySample sample(KeySample::kEverything, hashes);
  EXPECT_EQ(sample.threshold(), KeySample::kEverything);
  sample.merge(KeySample(KeySample::kEverything, {6}));
  EXPECT_EQ(sample.threshold(), KeySample::kEverything / 2);
  EXPECT_EQ(sample.hashes().size(), KeySample::kMaxHeld / 2 + 1);
}

TEST(SparseHistogram, QuantilesAreThoseOfTheDenseOne) {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> times(12, 2);
  observe::Histogram dense;
  SparseHistogram sparse;
  for (int i = 0; i < 5000; ++i) {
    const auto ns = static_cast<std::uint64_t>(times(random));
    dense.record(Nanoseconds(ns));
    sparse.merge(one_value(FineBuckets::index_of(ns)));
  }
  const auto snapshot = dense.snapshot();
  for (const auto q : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0})
    EXPECT_EQ(quantile_ns<FineBuckets>(sparse, q), snapshot.quantile_ns(q)) << q;
  EXPECT_EQ(sparse.count(), 5000u);
  EXPECT_EQ(sparse.count_before(FineBuckets::index_of(1 << 17)), snapshot.count_below(1 << 17));
  EXPECT_EQ(quantile_ns<FineBuckets>(SparseHistogram(), 0.5), 0);
}

// The rounds of a switchback are as long as its arms are many.
TEST(Record, AnEpochMayHaveWindowsOfItsOwnLength) {
  Record record(2, 10);
  record.begin_epoch(1, 1200, {5000, 5000}, 60);
  EXPECT_EQ(record.epochs().at(1).window_seconds, 60);
  const auto slice = one_request(1, 0, true, 1000, 0);
  record.add(slice, 1201);
  record.add(slice, 1259);
  record.begin_epoch(1, 1300, {5000, 5000}, 90);
  EXPECT_EQ(record.epochs().at(1).window_seconds, 60) << "it has requests already";
  EXPECT_EQ(record.epochs().at(1).windows.size(), 1u);
  record.begin_epoch(2, 1300, {5000, 5000});
  EXPECT_EQ(record.epochs().at(2).window_seconds, 10);
}

}  // namespace
}  // namespace tandem::measure
