// The histogram that every request is recorded in, and what a scrape makes of it.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "observe/histogram.hpp"

namespace tandem::observe {
namespace {

// Durations around 20 µs with a long tail, from a fixed seed.
std::vector<Nanoseconds> make_durations() {
  std::vector<Nanoseconds> durations;
  std::uint64_t state = 42;
  for (int i = 0; i < 4096; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    durations.emplace_back(static_cast<std::int64_t>(10'000 + (state >> 33) % 20'000) << (i % 64 == 0 ? 8 : 0));
  }
  return durations;
}

void record(benchmark::State& state) {
  const auto durations = make_durations();
  const auto histogram = std::make_unique<Histogram>();
  std::size_t next = 0;
  for (auto _ : state) histogram->record(durations[next++ % durations.size()]);
}
BENCHMARK(record);

void snapshot_and_quantile(benchmark::State& state) {
  const auto histogram = std::make_unique<Histogram>();
  for (const auto duration : make_durations()) histogram->record(duration);
  for (auto _ : state) benchmark::DoNotOptimize(histogram->snapshot().quantile_ns(0.99));
}
BENCHMARK(snapshot_and_quantile);

}  // namespace
}  // namespace tandem::observe
