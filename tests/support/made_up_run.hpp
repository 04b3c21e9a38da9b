// A benchmark that nobody ran: blocks with the latencies a test wants.
#pragma once

#include <cmath>
#include <random>

#include "benchmark/benchmark.hpp"

namespace tandem::test {

struct MadeUp {
  double ratio = 1;      // candidate / control, of every latency
  double jitter = 0.01;  // of blocks: deviation of ln
  std::size_t pairs = 8;
  std::size_t calibration_pairs = 3;
  std::size_t requests = 400;  // of a block
  std::uint64_t seed = 1;
};

inline benchmark::Run made_up_run(const MadeUp& wish) {
  using loadgen::Side;
  benchmark::Run run;
  run.title = "fib";
  run.control = {"py", "python", "http://127.0.0.1:1"};
  run.candidate = {"cpp", "native", "http://127.0.0.1:1"};
  run.plan.pairs = wish.pairs;
  run.plan.calibration_pairs = wish.calibration_pairs;
  run.plan.washout = Nanoseconds{0};
  run.distinct_requests = 1;
  run.example = "GET /fib/20";
  run.machine = "a machine";
  run.version = "0.1.0";
  run.answers.emplace();
  run.answers->requests = 1;
  std::mt19937_64 random(wish.seed);
  std::normal_distribution<double> noise(0, wish.jitter);
  std::lognormal_distribution<double> latency(std::log(1e6), 0.3);
  for (std::size_t i = 0; i < wish.calibration_pairs + wish.pairs; ++i)
    for (const auto side : {Side::control, Side::candidate}) {
      loadgen::Block block;
      block.is_calibration = i < wish.calibration_pairs;
      block.pair = block.is_calibration ? i : i - wish.calibration_pairs;
      block.side = side;
      block.asked_rate = static_cast<double>(wish.requests);
      block.duration = std::chrono::seconds(1);
      const bool is_candidate = side == Side::candidate && !block.is_calibration;
      const auto factor = std::exp(noise(random)) * (is_candidate ? wish.ratio : 1);
      std::mt19937_64 same(i);  // both sides see the same requests
      for (std::size_t request = 0; request < wish.requests; ++request) {
        const Nanoseconds duration(static_cast<Nanoseconds::rep>(latency(same) * factor));
        block.latency.record(duration);
        block.service.record(duration);
        block.lateness.record(Nanoseconds(50'000));
      }
      block.planned = block.answered = block.server_requests = wish.requests;
      block.server_cpu_seconds = static_cast<double>(wish.requests) * 50e-6 * factor;
      block.server_rss_bytes = 50e6;
      block.server_revision = 1;
      block.generator_cpu = 0.1;
      run.blocks.push_back(std::move(block));
    }
  return run;
}

}  // namespace tandem::test
