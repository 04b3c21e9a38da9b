#include "measure/recorder.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace tandem::measure {
namespace {

Observation request(std::uint16_t arm, std::int64_t total_ns) {
  Observation one;
  one.arm = arm;
  one.epoch = 1;
  one.is_analysed = true;
  one.status = 200;
  one.total = Nanoseconds(total_ns);
  return one;
}

std::vector<Observation> random_requests(unsigned seed, int count) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> times(11, 3);
  std::vector<Observation> requests;
  for (int i = 0; i < count; ++i) {
    auto one = request(random() % 2, static_cast<std::int64_t>(times(random)));
    one.epoch = 1 + random() % 20 / 19;
    one.is_analysed = random() % 3 != 0;
    one.has_key = true;
    one.cluster = static_cast<std::uint32_t>(random());
    one.status = random() % 10 == 0 ? 503 : 200;
    one.client_gone = random() % 50 == 0;
    one.exec = one.total / 2;
    one.gil = random() % 2 == 0 ? one.total / 4 : Nanoseconds(0);
    one.queue = Nanoseconds(static_cast<std::int64_t>(random() % 1000));
    one.has_cpu = random() % 16 == 0;
    one.cpu = one.exec;
    one.bytes_in = random() % 100;
    one.bytes_out = random() % 10'000;
    requests.push_back(one);
  }
  return requests;
}

Record record_of(const std::vector<Observation>& requests) {
  Recorder recorder(2, 1);
  for (const auto& one : requests) recorder.record(0, one);
  Record record(2, 10);
  record.add(recorder.take(0), 0);
  return record;
}

TEST(Recorder, CountsByHowARequestEnded) {
  Recorder recorder(2, 1);
  auto failed = request(1, 100);
  failed.status = 500;
  auto late = request(1, 200);
  late.status = 504;
  late.timed_out = true;
  auto gone = request(1, 300);
  gone.status = 504;
  gone.timed_out = true;
  gone.client_gone = true;
  auto helped = request(1, 400);
  helped.status = 503;
  helped.fell_back = true;
  for (const auto& one : {failed, late, gone, helped, request(1, 500), request(0, 600)}) recorder.record(0, one);

  const auto slice = recorder.take(0);
  ASSERT_EQ(slice.epochs.size(), 1u);
  EXPECT_EQ(slice.epochs[0].number, 1u);
  const auto& counts = slice.epochs[0].arms[1].analysed.counts;
  EXPECT_EQ(counts.requests, 5u);
  EXPECT_EQ(counts.errors, 3u);
  EXPECT_EQ(counts.timeouts, 1u);
  EXPECT_EQ(counts.aborts, 1u);
  EXPECT_EQ(counts.fallbacks, 1u);
  EXPECT_EQ(static_cast<std::uint64_t>(counts.total_ns), 1500u);
  EXPECT_EQ(counts.total.count(), 5u);
  EXPECT_EQ(slice.epochs[0].arms[0].analysed.counts.requests, 1u);
  EXPECT_EQ(slice.epochs[0].arms[1].rest.counts, Counts());
  EXPECT_TRUE(recorder.take(0).epochs.empty()) << "taken once";
}

TEST(Recorder, OnlySampledRequestsCountForCpu) {
  Recorder recorder(1, 1);
  auto sampled = request(0, 100);
  sampled.has_cpu = true;
  sampled.cpu = Nanoseconds(40);
  recorder.record(0, sampled);
  sampled.cpu = Nanoseconds(0);
  recorder.record(0, sampled);
  recorder.record(0, request(0, 100));
  const auto slice = recorder.take(0);
  const auto& counts = slice.epochs[0].arms[0].analysed.counts;
  EXPECT_EQ(counts.cpu_requests, 2u);
  EXPECT_EQ(static_cast<std::uint64_t>(counts.cpu_ns), 40u);
}

TEST(Recorder, ClustersAndKeysAreOfRequestsWithAKey) {
  Recorder recorder(1, 1);
  auto one = request(0, 1000);
  recorder.record(0, one);
  one.has_key = true;
  for (const std::uint32_t cluster : {0u, 0u, 0x03FF'FFFFu, 0x0400'0000u, 0xFFFF'FFFFu}) {
    one.cluster = cluster;
    recorder.record(0, one);
  }
  const auto slice = recorder.take(0);
  const auto& totals = slice.epochs[0].arms[0].analysed.totals;
  EXPECT_EQ(totals.clusters[0].requests, 3u);
  EXPECT_EQ(totals.clusters[1].requests, 1u);
  EXPECT_EQ(totals.clusters[63].requests, 1u);
  EXPECT_EQ(totals.clusters[63].total.count(), 1u);
  EXPECT_EQ(totals.clusters[63].total.cells()[0].bucket, CoarseBuckets::index_of(1000));
  EXPECT_EQ(totals.keys.hashes(), (std::vector<std::uint32_t>{0, 0x03FF'FFFF, 0x0400'0000, 0xFFFF'FFFE}));
}

TEST(Recorder, StagesThatWereNotMeasuredAreLeftOut) {
  Recorder recorder(1, 1);
  auto one = request(0, 1000);
  one.exec = Nanoseconds(700);
  recorder.record(0, one);
  const auto slice = recorder.take(0);
  const auto& totals = slice.epochs[0].arms[0].analysed.totals;
  EXPECT_EQ(totals.exec.counts.count(), 1u);
  EXPECT_EQ(static_cast<std::uint64_t>(totals.exec.sum_ns), 700u);
  EXPECT_EQ(totals.queue, Durations());
  EXPECT_EQ(totals.gil, Durations());
}

TEST(Recorder, ShardsAndTakesMakeNoDifference) {
  const auto requests = random_requests(5, 20'000);
  const auto whole = record_of(requests);

  std::mt19937 random(6);
  Recorder recorder(2, 4);
  Record record(2, 10);
  for (const auto& one : requests) {
    recorder.record(random() % 4, one);
    if (random() % 500 == 0) record.add(recorder.take(random() % 4), random() % 10);
  }
  for (unsigned shard = 0; shard < 4; ++shard) record.add(recorder.take(shard), 9);
  EXPECT_TRUE(record == whole);
}

TEST(Recorder, KeysAreExactHoweverManyComeBetweenTakes) {
  std::mt19937 random(9);
  Recorder recorder(1, 1);
  Record record(1, 10);
  std::set<std::uint32_t> seen;
  auto one = request(0, 1000);
  one.has_key = true;
  for (int i = 0; i < 150'000; ++i) {
    if (i % 3 != 0) one.cluster = static_cast<std::uint32_t>(random());
    seen.insert(one.cluster);
    recorder.record(0, one);
    if (i % 70'000 == 0) record.add(recorder.take(0), 0);
  }
  record.add(recorder.take(0), 0);
  const auto& keys = record.epochs().at(1).arms[0].analysed.keys;
  const auto below = std::distance(seen.begin(), seen.lower_bound(static_cast<std::uint32_t>(keys.threshold())));
  EXPECT_LT(keys.threshold(), KeySample::kEverything);
  EXPECT_EQ(keys.hashes().size(), static_cast<std::size_t>(below));
}

TEST(Recorder, RequestsOfAnEarlierEpochStillCount) {
  Recorder recorder(1, 1);
  auto one = request(0, 1000);
  for (const std::uint32_t epoch : {1u, 2u, 1u, 2u}) {
    one.epoch = epoch;
    recorder.record(0, one);
  }
  auto slice = recorder.take(0);
  ASSERT_EQ(slice.epochs.size(), 2u);
  for (const auto& epoch : slice.epochs) EXPECT_EQ(epoch.arms[0].analysed.counts.requests, 2u) << epoch.number;
  EXPECT_TRUE(recorder.take(0).epochs.empty());
  one.epoch = 1;  // let go of by now, begun again
  recorder.record(0, one);
  slice = recorder.take(0);
  ASSERT_EQ(slice.epochs.size(), 1u);
  EXPECT_EQ(slice.epochs[0].number, 1u);
}

}  // namespace
}  // namespace tandem::measure
