#include "measure/record_json.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace tandem::measure {
namespace {

using nlohmann::json;

Record make_record() {
  Record record(2, 10);
  record.begin_epoch(3, 1'700'000'000, {5000, 5000});
  Slice slice;
  auto& part = slice.epochs.emplace_back();
  part.number = 3;
  part.arms.resize(2);
  auto& arm = part.arms[1].analysed;
  arm.counts.requests = 3;
  arm.counts.errors = 2;
  arm.counts.timeouts = 1;
  arm.counts.total_ns = 12'000;
  arm.counts.cpu_requests = 1;
  arm.counts.cpu_ns = 900;
  arm.counts.total.append(1000, 1);
  arm.counts.total.append(1003, 2);
  arm.totals.gil.sum_ns = 5;
  arm.totals.gil.counts.append(5, 1);
  arm.totals.clusters[63].requests = 1;
  arm.totals.clusters[63].total.append(100, 1);
  arm.totals.keys = KeySample(KeySample::kEverything, {4'294'967'295, 0, 77});
  record.add(slice, 1'700'000'005);
  record.note_clock_step(3, 1'700'000'006, 2500);
  return record;
}

TEST(RecordJson, ComesBackTheSameToTheByte) {
  const auto record = make_record();
  const auto text = to_json(record).dump();
  const auto again = parse_record(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, record);
  EXPECT_EQ(to_json(*again).dump(), text);
}

TEST(RecordJson, ReadsAsWritten) {
  EXPECT_EQ(to_json(make_record()), json::parse(R"({
    "arms": 2, "window_seconds": 10,
    "epochs": [{
      "number": 3, "since": 1700000000, "weights_bp": [5000, 5000], "window_seconds": 10,
      "clock_steps": 1, "largest_clock_step_ms": 2500,
      "arms": [{}, {"analysed": {
        "gil": {"sum_ns": 5, "counts": [5, 1]},
        "clusters": [{"cluster": 63, "requests": 1, "total": [100, 1]}],
        "keys": {"threshold": 4294967296, "hashes": [0, 77, 4294967295]}}}],
      "windows": [{"index": 170000000, "arms": [{}, {"analysed": {
        "requests": 3, "errors": 2, "timeouts": 1, "total_ns": 12000, "cpu_requests": 1, "cpu_ns": 900,
        "total": [1000, 1, 1003, 2]}}]}]
    }]})"));
}

TEST(RecordJson, WhatIsWrongIsNamed) {
  struct Case {
    const char* pointer;
    const char* value;
    const char* message;
  };
  const std::string epoch = "/epochs/0";
  const Case cases[] = {
      {"/arms", "0", "arms is not a whole number from 1 to 64"},
      {"/arms", "3", "epochs[0].arms does not have one entry for each arm"},
      {"/colour", "1", "the record has the unknown member \"colour\""},
      {"/epochs", "{}", "epochs is not a list"},
      {"/epochs/0", "7", "epochs[0] is not an object"},
      {"/epochs/0/number", "-1", "epochs[0].number is not a whole number from 0 to 4294967295"},
      {"/epochs/0/since", "\"x\"", "epochs[0].since is not a whole number"},
      {"/epochs/0/since", "18446744073709551615", "epochs[0].since is out of range"},
      {"/epochs/0/window_seconds", "0", "epochs[0].window_seconds is not a whole number from 1 to 2147483648"},
      {"/epochs/0/weights_differ", "false", "epochs[0] has \"weights_differ\" that is not true"},
      {"/epochs/0/windows/0/index", "1.5", "epochs[0].windows[0].index is not a whole number"},
      {"/epochs/0/windows/0/index", "110000000000", "epochs[0].windows[0].index is out of range"},
      {"/epochs/0/windows/0/arms/1/analysed/total", "[1000, 1]",
       "epochs[0].windows[0].arms[1].analysed has another number of requests than of values in \"total\""},
      {"/epochs/0/windows/0/arms/1/analysed/total", "[1003, 1, 1000, 2]",
       "epochs[0].windows[0].arms[1].analysed.total[2] is not a whole number from 1004 to 3839"},
      {"/epochs/0/windows/0/arms/1/analysed/total", "[1003]",
       "epochs[0].windows[0].arms[1].analysed.total ends with a bucket that has no count"},
      {"/epochs/0/windows/0/arms/1/analysed/errors", "4",
       "epochs[0].windows[0].arms[1].analysed has more of something than requests"},
      {"/epochs/0/windows/0/arms/1/analysed/total_ns", "\"99\"", "epochs[0].windows[0].arms[1].analysed.total_ns is no sum"},
      {"/epochs/0/windows/0/arms/1/analysed/total_ns", "1e30",
       "epochs[0].windows[0].arms[1].analysed.total_ns is not a whole number from 0 to 18446744073709551615"},
      {"/epochs/0/arms/1/analysed/clusters/0/cluster", "64",
       "epochs[0].arms[1].analysed.clusters[0].cluster is not a whole number from 0 to 63"},
      {"/epochs/0/arms/1/analysed/keys/threshold", "3",
       "epochs[0].arms[1].analysed.keys has a threshold that is no power of two"},
      {"/epochs/0/arms/1/analysed/keys/threshold", "64",
       "epochs[0].arms[1].analysed.keys.hashes[1] is not a whole number from 1 to 63"},
      {"/epochs/0/arms/1/analysed/keys/hashes", "[1, 1]",
       "epochs[0].arms[1].analysed.keys.hashes[1] is not a whole number from 2 to 4294967295"},
  };
  for (const auto& one : cases) {
    auto value = to_json(make_record());
    value[json::json_pointer(one.pointer)] = json::parse(one.value);
    const auto record = record_from_json(value);
    ASSERT_FALSE(record) << one.pointer << " " << one.value;
    EXPECT_EQ(record.error().message, one.message);
  }
  EXPECT_EQ(parse_record("{\"arms\":").error().message, "the record is not JSON");
  EXPECT_EQ(parse_record("[]").error().message, "the record is not an object");
}

// Whatever is cut out or exchanged, the answer is a record or an error, never an end of the program.
TEST(RecordJson, AnyTextIsReadOrRefused) {
  const auto text = to_json(make_record()).dump();
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto garbled = text;
    for (int change = 0; change < 1 + i % 3; ++change) {
      const auto at = random() % garbled.size();
      if (random() % 2)
        garbled.erase(at, 1 + random() % 5);
      else
        garbled[at] = static_cast<char>("0123456789-,:[]{}\"ae.x"[random() % 22]);
    }
    const auto record = parse_record(garbled);
    if (!record) {
      ++refused;
      EXPECT_FALSE(record.error().message.empty());
      continue;
    }
    const auto written = to_json(*record).dump();
    const auto again = parse_record(written);
    ASSERT_TRUE(again) << again.error().message << "\n" << garbled;
    EXPECT_EQ(to_json(*again).dump(), written);
    auto sum = make_record();
    (void)sum.merge(*record).ok();
  }
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace tandem::measure
