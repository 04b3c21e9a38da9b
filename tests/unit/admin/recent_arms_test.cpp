#include "admin/recent_arms.hpp"

#include <gtest/gtest.h>

namespace tandem::admin {
namespace {

using namespace std::chrono_literals;

class Recent : public testing::Test {
 protected:
  void serve(observe::ArmMetrics& arm, int requests, Nanoseconds took, int status = 200) {
    observe::Exchange exchange;
    exchange.total = took;
    exchange.status = status;
    for (int i = 0; i < requests; ++i) arm.record(0, exchange);
  }
  const RecentArms::Row& look(int seconds) {
    arms.look(registry, TimePoint(std::chrono::seconds(seconds)));
    return arms.rows().front();
  }

  observe::Registry registry{1};
  observe::ArmMetrics& fib = registry.arm("fib", "cpp", "native");
  RecentArms arms;
};

TEST_F(Recent, TheFirstLookKnowsOnlyWhatWasBefore) {
  serve(fib, 100, 2ms);
  const auto& row = look(10);
  EXPECT_EQ(row.requests[2], 100u);
  EXPECT_NEAR(row.latency->mean_ns, 2e6, 1);
  EXPECT_NEAR(row.latency->p50_ns, 2e6, 2e6 / 128);
  EXPECT_EQ(row.latency->max_ns, 2e6);
  EXPECT_EQ(row.recent.per_second, 0);
  EXPECT_FALSE(row.recent.p99_ns);
  EXPECT_EQ(arms.window(), 0ns);
}

TEST_F(Recent, OnlyWhatCameSinceCounts) {
  serve(fib, 1000, 1s);
  look(10);
  serve(fib, 98, 2ms);
  serve(fib, 2, 50ms, 503);
  const auto& row = look(12);
  EXPECT_EQ(row.requests[2] + row.requests[5], 1100u);
  EXPECT_DOUBLE_EQ(row.recent.per_second, 50);
  EXPECT_DOUBLE_EQ(row.recent.error_share, 0.02);
  EXPECT_NEAR(*row.recent.p50_ns, 2e6, 2e6 / 128);
  EXPECT_NEAR(*row.recent.p99_ns, 5e7, 5e7 / 128);
}

TEST_F(Recent, WhatIsFiveStepsOldIsForgotten) {
  look(0);
  serve(fib, 600, 1s, 500);
  for (int second = 1; second <= 5; ++second) EXPECT_DOUBLE_EQ(look(second).recent.per_second, 600.0 / second);
  EXPECT_DOUBLE_EQ(arms.rows().front().recent.error_share, 1);
  EXPECT_EQ(look(6).recent.per_second, 0);
  EXPECT_EQ(arms.rows().front().recent.error_share, 0);
  EXPECT_EQ(arms.window(), 5s);
  serve(fib, 10, 1ms);
  EXPECT_DOUBLE_EQ(look(7).recent.per_second, 2);
  EXPECT_NEAR(*arms.rows().front().recent.p99_ns, 1e6, 1e6 / 128);
}

TEST_F(Recent, AnArmThatComesLaterCountsFromThen) {
  look(0);
  serve(registry.arm("json", "py", "python"), 30, 1ms);
  look(2);
  ASSERT_EQ(arms.rows().size(), 2u);
  EXPECT_EQ(arms.rows()[1].arm->route, "json");
  EXPECT_DOUBLE_EQ(arms.rows()[1].recent.per_second, 15);
  EXPECT_FALSE(arms.rows()[0].latency);
}

}  // namespace
}  // namespace tandem::admin
