// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

#include "report/report.hpp"

namespace tandem::report {

std::string format_number(double value);                         // three digits that say something
std::string format_duration(double ns);                          // "1.23 ms"
std::string format_percent(double share);                        // "0.12 %"
std::string format_ratio(double ratio);                          // "0.42×"
std::string format_interval(const statistics::Interval& ratio);  // "[0.38, 0.47]"
std::string format_time(std::int64_t unix_ms);                   // "2026-11-23 10:00:00 UTC"
std::string words_of(Metric metric);                             // "Mean time", "Errors", …
// Columns as wide as their widest cell; not empty.
std::string text_table(const std::vector<std::vector<std::string>>& rows);
// A metric's value with its unit.
std::string format_value(Metric metric, double value);
// "undecided", "better", or why there is no verdict.
std::string verdict_text(const Effect& effect);
// How the figures were made, a sentence a line.
std::vector<std::string> method_of(const Report& report);
std::vector<std::string> health_of(const Report& report, const CandidateReport& candidate);
// What the noise floor compares, or that there is none.
std::string noise_words(const Report& report, const CandidateReport& candidate);

}  // namespace tandem::report
