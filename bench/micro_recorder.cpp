// What an experiment adds to every request of its route, and what the collector takes once a second.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "measure/recorder.hpp"

namespace tandem::measure {
namespace {

// Requests of two arms around 20 µs with a long tail, of `keys` clients, from a fixed seed.
std::vector<Observation> make_observations(std::uint64_t keys) {
  std::vector<Observation> observations;
  std::uint64_t state = 42;
  const auto draw = [&state] {
    state = state * 6364136223846793005 + 1442695040888963407;
    return state >> 33;
  };
  for (int i = 0; i < 65536; ++i) {
    Observation one;
    one.arm = static_cast<std::uint16_t>(draw() % 2);
    one.is_analysed = draw() % 4 != 0;
    one.has_key = keys != 0;
    if (keys != 0) one.cluster = static_cast<std::uint32_t>((draw() % keys) * 2'654'435'761u);
    one.status = draw() % 200 == 0 ? 500 : 200;
    one.total = Nanoseconds(static_cast<std::int64_t>(10'000 + draw() % 20'000) << (i % 64 == 0 ? 8 : 0));
    one.queue = one.arm == 1 ? one.total / 4 : Nanoseconds(0);
    one.gil = one.arm == 1 ? one.total / 8 : Nanoseconds(0);
    one.exec = one.total / 2;
    one.has_cpu = draw() % 16 == 0;
    one.cpu = one.exec;
    one.bytes_out = 200;
    observations.push_back(one);
  }
  return observations;
}

void record(benchmark::State& state) {
  const auto observations = make_observations(static_cast<std::uint64_t>(state.range(0)));
  Recorder recorder(2, 1);
  std::size_t next = 0;
  for (auto _ : state) {
    recorder.record(0, observations[next++ % observations.size()]);
    if (next % 50'000 == 0) benchmark::DoNotOptimize(recorder.take(0));  // once a second
  }
}
BENCHMARK(record)->ArgName("keys")->Arg(0)->Arg(1000)->Arg(100'000)->Arg(10'000'000);

void take_and_add(benchmark::State& state) {
  const auto observations = make_observations(100'000);
  Recorder recorder(2, 1);
  Record record(2, 10);
  std::int64_t time = 0;
  std::size_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (int i = 0; i < 20'000; ++i) recorder.record(0, observations[next++ % observations.size()]);
    state.ResumeTiming();
    record.add(recorder.take(0), time++);
  }
}
BENCHMARK(take_and_add)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tandem::measure
