// What one comparison of a shadow's answer takes, which is why a thread of its own does it (experiment/comparer.hpp).
#include <benchmark/benchmark.h>

#include <string>

#include "comparison/compare.hpp"

namespace tandem::comparison {
namespace {

Answer json(std::string_view body) {
  Answer answer;
  answer.status = 200;
  answer.headers = {{"content-type", "application/json"}};
  answer.append(body);
  return answer;
}

// So many users, and one more who is not the same in all lists.
Answer users(int count, int last) {
  std::string body = "[";
  for (int id = 0; id < count; ++id)
    body += R"({"id": )" + std::to_string(id) + R"(, "name": "user number )" + std::to_string(id) + R"(", "score": )" +
            std::to_string(id * 0.37) + R"(, "tags": [1, 2]}, )";
  return json(body + R"({"id": )" + std::to_string(last) + "}]");
}

void lists_of_users(benchmark::State& state) {
  const auto rules = *Rules::make({});
  const auto control = users(static_cast<int>(state.range(0)), -1), candidate = users(static_cast<int>(state.range(0)), -2);
  for (auto _ : state) {
    benchmark::DoNotOptimize(compare(control, candidate, rules));
    benchmark::DoNotOptimize(shape_of(control));
  }
  state.counters["bytes"] = static_cast<double>(control.body_bytes);
}
BENCHMARK(lists_of_users)->Arg(10)->Arg(1'000)->Arg(12'000)->Unit(benchmark::kMicrosecond);

// Elements without order, none of which is in the other list: each is tried against each.
void lists_without_order(benchmark::State& state) {
  Settings settings;
  settings.unordered = {"$.**"};
  const auto rules = *Rules::make(settings);
  const auto list = [](int offset) {
    std::string body = "[";
    for (int i = 0; i < 200; ++i) body += R"({"k": [1, 2, 3, 4, 5, 6, 7, 8, )" + std::to_string(i + offset) + "]}, ";
    return json(body + "0]");
  };
  const auto control = list(1'000), candidate = list(2'000);
  for (auto _ : state) benchmark::DoNotOptimize(compare(control, candidate, rules));
  state.counters["bytes"] = static_cast<double>(control.body_bytes);
}
BENCHMARK(lists_without_order)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tandem::comparison
