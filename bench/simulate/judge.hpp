// Looks at made-up traffic as the server does: after every window, with the functions of src/statistics, and remembers what
// it would have said.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "simulate/traffic.hpp"

namespace tandem::simulate {

enum class Question : std::size_t {
  mean,          // ratio of mean latencies, two-sided, α 0.05 (docs/statistics.md: means and ratios)
  errors,        // of error rates, the same way
  p50,           // ratio of medians, α 0.05
  p99,           // of 99th percentiles, α 0.05
  guard_errors,  // guardrail on errors: one-sided, α 0.01, and an excess above 0.1 %
  guard_p99,     // guardrail on p99: the ratio is above 1.25, one-sided, α 0.01
  sample_ratio,  // sample ratio mismatch, of distinct keys, α 0.001
  windows_only,  // not in the server: `mean` without key clusters
  naive,         // not in the server: z test over requests, α 0.05, at every look, what people do by hand
};
inline constexpr std::size_t kQuestions = 9;
std::string_view text_of(Question question);

// What was said of one question in one run. Windows count from 1.
struct Finding {
  std::optional<unsigned> better;  // first look that said so
  std::optional<unsigned> worse;
  bool is_equivalent = false;  // at the end
};
using Findings = std::array<Finding, kQuestions>;

// Runs one experiment from its first to its last window; looks after each from the server's minimum of 30 windows on.
Findings judge(const Model& model, std::uint64_t seed);

}  // namespace tandem::simulate
