// The same made-up traffic, counted by the server's own recorder under its own layouts and judged by its own report and
// guardrails, with the defaults of an experiment that says nothing: what somebody who reads them is told.
#pragma once

#include <array>
#include <cstdint>

#include "report/report.hpp"
#include "simulate/traffic.hpp"

namespace tandem::simulate {

inline constexpr std::size_t kMetrics = 8;  // of a report

struct Told {
  std::array<bool, kMetrics> differs{};  // at some look a metric was called better or worse
  std::array<bool, kMetrics> is_worse{};
  bool any = false;        // one of them at least
  bool has_fired = false;  // a guardrail that acts
  bool was_invalid = false;
  bool is_judged = false;  // in the end
};

// Guardrails look after each window, the report after every sixth.
Told ask_the_product(const Model& model, std::uint64_t seed);

}  // namespace tandem::simulate
