#include "report/format.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace tandem::report {
namespace {

template <class... Values>
std::string printed(const char* format, Values... values) {
  char text[64];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

// Characters, not bytes.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Whether the arms hold what the weights meant for them.
std::string ratio_words(const Health& health) {
  return "sample ratio p = " + format_number(health.ratio_p) + " (fixed), ln E = " + format_number(health.ratio_ln_e) +
         " (any time)";
}

}  // namespace

std::string format_number(double value) {
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  const double size = std::abs(value);
  if (value == std::floor(value) && size < 1e9) return printed("%.0f", value);
  if (size >= 100) return printed("%.0f", value);
  if (size >= 10) return printed("%.1f", value);
  if (size >= 1) return printed("%.2f", value);
  return printed("%.3g", value);
}

std::string format_duration(double ns) {
  if (ns < 1e3) return printed("%.0f ns", ns);
  if (ns < 1e6) return format_number(ns / 1e3) + " µs";
  if (ns < 1e9) return format_number(ns / 1e6) + " ms";
  return format_number(ns / 1e9) + " s";
}

std::string format_percent(double share) { return format_number(share * 100) + " %"; }

std::string format_ratio(double ratio) { return printed(ratio < 0.1 ? "%.3f×" : "%.2f×", ratio); }

std::string format_interval(const statistics::Interval& ratio) {
  const auto end = [](double value) {
    return std::isinf(value) ? std::string(value > 0 ? "∞" : "−∞") : printed(value < 0.1 ? "%.3f" : "%.2f", value);
  };
  return "[" + end(ratio.low) + ", " + end(ratio.high) + "]";
}

std::string format_time(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

std::string text_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::string text;
  for (const auto& row : rows) {
    text += " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      text.append(" ").append(row[i]);
      if (i + 1 < row.size()) text.append(widths[i] - width_of(row[i]) + 1, ' ');
    }
    text += "\n";
  }
  return text;
}

std::string format_value(Metric metric, double value) {
  switch (metric) {
    case Metric::errors:
      return format_percent(value);
    case Metric::bytes:
      return format_number(value) + " B";
    default:
      return format_duration(value);
  }
}

std::string words_of(Metric metric) {
  switch (metric) {
    case Metric::mean:
      return "Mean time";
    case Metric::cpu:
      return "CPU time a request";
    case Metric::errors:
      return "Errors";
    case Metric::bytes:
      return "Bytes a request";
    case Metric::p50:
      return "Time that half of the requests stay below (p50)";
    default:
      return "Time that " + std::string(name_of(metric).substr(1)) + " % of the requests stay below (" +
             std::string(name_of(metric)) + ")";
  }
}

std::string verdict_text(const Effect& effect) {
  if (effect.standing == Standing::judged && effect.ratio == 0) return "not worse";  // it never happened
  if (effect.standing == Standing::judged) return std::string(effect.verdict.words());
  return std::string(name_of(effect.standing));
}

std::vector<std::string> health_of(const Report& report, const CandidateReport& candidate) {
  const auto& health = candidate.health;
  std::vector<std::string> lines;
  lines.push_back(std::to_string(health.windows) + " windows of " + std::to_string(health.window_seconds) +
                  " s with both arms, " + std::to_string(health.requests_control) + " requests of " + report.control +
                  " and " + std::to_string(health.requests_candidate) + " of " + candidate.name + " compared");
  if (health.has_keys)
    lines.push_back("clients: about " + std::to_string(health.keys_control) + " of " + report.control + " and " +
                    std::to_string(health.keys_candidate) + " of " + candidate.name + "; " + ratio_words(health));
  else
    lines.push_back("requests are drawn one by one; " + ratio_words(health));
  double most = 1;
  for (const auto& effect : candidate.effects) most = std::max(most, effect.design_effect);
  lines.push_back("both arms have requests in " + format_percent(health.concurrency) +
                  " of the windows with any; the largest design effect is " + format_number(most) +
                  (most > 1 ? ", since requests of one client or window resemble each other" : ""));
  for (const auto& why : health.invalid) lines.push_back("INVALID: " + why);
  for (const auto& warning : health.warnings) lines.push_back("note: " + warning);
  return lines;
}

std::string noise_words(const Report& report, const CandidateReport& candidate) {
  if (std::none_of(candidate.effects.begin(), candidate.effects.end(),
                   [](const Effect& one) { return one.noise_floor.has_value(); }))
    return "Noise floor: there is not enough of " + report.control + " to compare it with itself.";
  return "Noise floor: " + report.control +
         " against itself in the next window, with the same formulas. The load may have changed in between, which the arms, "
         "measured at the same time, do not suffer from: it is an upper bound.";
}

std::vector<std::string> method_of(const Report& report) {
  return {
      "Ratios are candidate / control; less is better. Intervals hold at every look (alpha " +
          format_number(report.demands.alpha) + " over all metrics, half of it for the mean).",
      "Means, CPU, errors, bytes: asymptotic confidence sequences over paired windows, or over clients where these differ "
      "more. "
      "Quantiles: rank confidence sequences, requests divided by their design effect (deff).",
      report.is_matched ? "Compared is the share of control that mirrors the candidate's; the rest of control only serves."
                        : "Compared is all of control, combined over epochs.",
      "Equivalent: inside " + format_percent(report.demands.margin) + " for means, " +
          format_percent(report.demands.quantile_margin) + " for quantiles.",
  };
}

}  // namespace tandem::report
