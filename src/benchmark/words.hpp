// What all renderings of a benchmark say alike.
#pragma once

#include <string>
#include <vector>

#include "benchmark/benchmark.hpp"

namespace tandem::benchmark {

std::string format_value(double ns);
// "undecided", "better", or why there is no verdict.
std::string verdict_text(const Effect& effect);
// "×1.04": what control differed from itself by.
std::string format_noise(const Effect& effect);
// "fib: cpp (native) against py (python)"
std::string title_of(const Run& run);
// What was run, a sentence a line: rate, arrivals, connections, blocks, requests, machine.
std::vector<std::string> setup_of(const Run& run);
// How the figures were made.
std::vector<std::string> method_of(const Run& run);
// Header and rows: of the effects, of the requests' fate.
std::vector<std::vector<std::string>> effect_rows(const Run& run, const Findings& findings);
std::vector<std::vector<std::string>> totals_rows(const Run& run, const Findings& findings);
std::vector<std::vector<std::string>> capacity_rows(const Run& run);
std::vector<std::vector<std::string>> suite_rows(const Suite& suite);

}  // namespace tandem::benchmark
