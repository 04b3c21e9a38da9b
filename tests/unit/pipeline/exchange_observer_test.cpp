#include <gtest/gtest.h>

#include "measure/recorder.hpp"
#include "pipeline/pipeline.hpp"

namespace tandem::pipeline {
namespace {

using namespace std::chrono_literals;

// What an experiment's recorder has of one exchange.
class Exchange : public testing::Test {
 protected:
  Exchange() : registry_(1), observer_(registry_, nullptr), recorder_(2, 1), loop_(0), call_(loop_, peer_) {
    call_.backend = service::BackendKind::python;
    call_.metrics = &registry_.arm("/fib", "py", "python");
    call_.trial.recorder = &recorder_;
    call_.trial.assigned_by = service::AssignedBy::hash;
    call_.trial.arm = 1;
    call_.trial.epoch = 7;
    call_.trial.is_analysed = true;
    ending_.status = 200;
    ending_.total = 5ms;
    ending_.body_bytes_sent = 100;
    ending_.body_bytes_received = 30;
  }

  measure::Slice::Arm end() {
    observer_.ended(request_, call_, ending_);
    const auto slice = recorder_.take(0);
    if (slice.epochs.size() != 1 || slice.epochs[0].number != 7) return {};
    return slice.epochs[0].arms[1].analysed;
  }

  observe::Registry registry_;
  const ExchangeObserver observer_;
  measure::Recorder recorder_;
  Loop loop_;
  service::Peer peer_;
  http::Request request_;
  service::Call call_;
  service::Ending ending_;
};

TEST_F(Exchange, IsRecordedUnderItsArmAndEpoch) {
  call_.queue_time = 1ms;
  call_.gil_time = 10us;
  call_.handler_time = 3ms;
  call_.cpu_time = 2ms;
  const auto arm = end();
  EXPECT_EQ(arm.counts.requests, 1u);
  EXPECT_EQ(arm.counts.errors, 0u);
  EXPECT_EQ(static_cast<std::uint64_t>(arm.counts.total_ns), 5'000'000u);
  EXPECT_EQ(arm.counts.bytes_out, 100u);
  EXPECT_EQ(arm.counts.bytes_in, 30u);
  EXPECT_EQ(arm.counts.cpu_requests, 1u);
  EXPECT_EQ(static_cast<std::uint64_t>(arm.counts.cpu_ns), 2'000'000u);
  EXPECT_EQ(static_cast<std::uint64_t>(arm.totals.queue.sum_ns), 1'000'000u);
  EXPECT_EQ(static_cast<std::uint64_t>(arm.totals.gil.sum_ns), 10'000u);
  EXPECT_EQ(static_cast<std::uint64_t>(arm.totals.exec.sum_ns), 3'000'000u);
  EXPECT_NE(registry_.prometheus_text().find("assigned_by=\"hash\",code=\"2xx\"} 1"), std::string::npos);
}

TEST_F(Exchange, WithoutARecorderIsCountedInTheMetricsAlone) {
  call_.trial.recorder = nullptr;
  EXPECT_EQ(end().counts.requests, 0u);
  EXPECT_NE(registry_.prometheus_text().find("assigned_by=\"hash\",code=\"2xx\"} 1"), std::string::npos);
}

TEST_F(Exchange, ATimeoutIsAnErrorToo) {
  ending_.status = 504;
  const auto counts = end().counts;
  EXPECT_EQ(counts.errors, 1u);
  EXPECT_EQ(counts.timeouts, 1u);
}

TEST_F(Exchange, AClientThatLeftIsNoError) {
  ending_.status = http::kClientGone;
  call_.trial.fell_back = true;  // after the candidate had failed, and control was still at it
  call_.trial.status = 500;
  const auto counts = end().counts;
  EXPECT_EQ(counts.aborts, 1u);
  EXPECT_EQ(counts.errors, 0u);
}

TEST_F(Exchange, WhereControlAnsweredTheCandidateIsCharged) {
  call_.trial.fell_back = true;
  call_.trial.status = 503;
  call_.trial.assigned_by = service::AssignedBy::fallback;
  call_.handler_time = 3ms;  // control's
  call_.cpu_time = 2ms;
  const auto arm = end();
  EXPECT_EQ(arm.counts.requests, 1u);
  EXPECT_EQ(arm.counts.errors, 1u);
  EXPECT_EQ(arm.counts.fallbacks, 1u);
  EXPECT_EQ(static_cast<std::uint64_t>(arm.counts.total_ns), 5'000'000u) << "what the client waited for both";
  EXPECT_EQ(arm.counts.cpu_requests, 0u);
  EXPECT_EQ(arm.totals.exec, measure::Durations());
}

TEST_F(Exchange, CpuTimeThatIsOnlySampledIsNoneOfTheMetrics) {
  call_.cpu_time = 2ms;
  call_.is_cpu_sampled = true;
  EXPECT_EQ(end().counts.cpu_requests, 1u);
  EXPECT_EQ(call_.metrics->cpu(), 0ns);
  call_.cpu_time = 0ns;
  EXPECT_EQ(end().counts.cpu_requests, 0u) << "not one of the sample";
}

TEST_F(Exchange, OfAWebSocketTheHandshakeCounts) {
  ending_.status = 101;
  ending_.upgrade = 2ms;
  ending_.total = 10s;
  EXPECT_EQ(static_cast<std::uint64_t>(end().counts.total_ns), 2'000'000u);
}

}  // namespace
}  // namespace tandem::pipeline
