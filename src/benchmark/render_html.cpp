// A benchmark as a page to mail: one file, no script, nothing fetched (report/html_page.hpp).
#include <cmath>

#include "benchmark/words.hpp"
#include "report/charts.hpp"
#include "report/format.hpp"
#include "report/html_page.hpp"

namespace tandem::benchmark {

namespace {

using report::charts::Bar;
using report::charts::ForestRow;
using report::charts::ShiftPoint;

report::Table table_of(std::string caption, std::vector<std::vector<std::string>> rows) {
  report::Table table{std::move(caption), std::move(rows.front()), {}};
  rows.erase(rows.begin());
  table.rows = std::move(rows);
  return table;
}

std::string header(const std::string& title, const std::string& below) {
  return "<header>\n<h1>" + report::escaped(title) + "</h1>\n" + report::paragraph(below) + "</header>\n";
}

std::string validity_part(const Findings& findings) {
  std::vector<std::vector<std::string>> rows{{"check", "found", "demanded", "result"}};
  for (const auto& check : findings.checks)
    rows.push_back({check.name, check.value, check.demand, check.is_ok ? "ok" : "FAILED"});
  return report::section("validity", "Can it be trusted?",
                         report::paragraph(findings.is_valid ? "Every check holds."
                                                             : "No. The run is invalid, and no figure of it may be used.") +
                             report::html_table(table_of("Checks of the run", std::move(rows))));
}

std::string found_part(const Findings& findings) {
  return report::section("found", "What was found", report::list(findings.sentences));
}

double margin_of(const Run& run, const Effect& effect) {
  const bool is_tail = effect.metric == Metric::p90 || effect.metric == Metric::p99 || effect.metric == Metric::p999;
  return is_tail ? run.plan.quantile_margin : run.plan.margin;
}

std::string effects_part(const Run& run, const Findings& findings) {
  std::vector<ForestRow> rows;
  std::vector<ShiftPoint> points;
  for (const auto& effect : findings.effects) {
    ForestRow row;
    row.label = name_of(effect.metric);
    row.value = verdict_text(effect);
    row.margin = margin_of(run, effect);
    if (effect.ratio > 0 && std::isfinite(effect.interval.high)) {
      row.low = effect.interval.low;
      row.mid = effect.ratio;
      row.high = effect.interval.high;
      row.value = report::format_ratio(effect.ratio) + " " + report::format_interval(effect.interval) + ", " + row.value;
      if (effect.metric != Metric::mean && effect.metric != Metric::cpu)
        points.push_back({row.label, row.low, row.mid, row.high});
    }
    if (effect.noise > 0) {
      row.noise_low = 1 / effect.noise;
      row.noise_high = effect.noise;
    }
    rows.push_back(std::move(row));
  }
  const auto ratio = run.candidate.name + " / " + run.control.name;
  auto pictures = report::figure(
      report::charts::forest_plot(
          {"Ratios of " + ratio, "A line for each metric: ratio and interval on a logarithmic axis; left of 1 " +
                                     run.candidate.name + " is better."},
          rows),
      "Ratio and interval; shaded: too little to matter; dotted: as much as " + report::escaped(run.control.name) +
          " differs from itself.");
  if (points.size() > 1)
    pictures += report::figure(
        report::charts::shift_plot({"Ratios of quantiles", "From the median to the slowest requests."}, points),
        "Is it only the usual request, or the slow ones, too?");
  return report::section(
      "effects", "Effects",
      report::figures({pictures}) + report::html_table(table_of("Effects: " + ratio, effect_rows(run, findings))));
}

std::string requests_part(const Run& run, const Findings& findings) {
  auto body = report::html_table(table_of("What became of the requests", totals_rows(run, findings)));
  if (run.capacity_control)
    body += report::html_table(table_of("Which rates kept " + run.plan.goal->text, capacity_rows(run)));
  return report::section("requests", "Requests", body);
}

std::string differences_part(const Run& run) {
  std::vector<std::vector<std::string>> rows{{"request", "what", "where", run.control.name, run.candidate.name}};
  for (const auto& sample : run.answers->samples)
    for (const auto& difference : sample.differences)
      rows.push_back({sample.request, std::string(comparison::name_of(difference.kind)), difference.path, difference.control,
                      difference.candidate});
  return report::section("differences", "Answers that differ", report::html_table(table_of("Differences", std::move(rows))));
}

}  // namespace

std::string to_html(const Run& run, const Findings& findings) {
  auto body = header(title_of(run), run.machine);
  if (!run.blocks.empty()) body += validity_part(findings);
  if (!findings.sentences.empty()) body += found_part(findings);
  if (findings.is_valid && !findings.effects.empty()) body += effects_part(run, findings) + requests_part(run, findings);
  if (run.answers && !run.answers->samples.empty()) body += differences_part(run);
  body += report::section("setup", "What was run", report::list(setup_of(run)));
  if (!run.blocks.empty()) body += report::section("method", "How this was computed", report::list(method_of(run)));
  return report::html_page(title_of(run), body);
}

std::string to_html(const Suite& suite) {
  auto body =
      report::section("routes", "Routes", report::html_table(table_of("Twin routes of " + suite.title, suite_rows(suite))));
  std::vector<ForestRow> rows;
  std::vector<std::string> skipped;
  for (const auto& run : suite.runs) {
    const auto findings = evaluate(run);
    ForestRow row;
    row.label = run.title;
    row.value = findings.is_valid ? "no pair of blocks" : "invalid";
    for (const auto& effect : findings.effects) {
      if (effect.metric != Metric::mean || effect.ratio <= 0 || !std::isfinite(effect.interval.high)) continue;
      row.low = effect.interval.low;
      row.mid = effect.ratio;
      row.high = effect.interval.high;
      row.margin = run.plan.margin;
      row.value =
          report::format_ratio(effect.ratio) + " " + report::format_interval(effect.interval) + ", " + verdict_text(effect);
    }
    rows.push_back(std::move(row));
  }
  for (const auto& one : suite.skipped)
    skipped.push_back(std::string("skipped: ").append(one.route).append(": ").append(one.why));
  skipped.insert(skipped.end(), suite.notes.begin(), suite.notes.end());
  if (!rows.empty())
    body += report::section(
        "mean", "Mean latency at a glance",
        report::figure(report::charts::forest_plot(
                           {"Ratios of mean latency", "A line for each route; left of 1 the candidate is better."}, rows),
                       "Ratio and interval of the mean; shaded: too little to matter."));
  if (!skipped.empty()) body += report::section("skipped", "Not measured", report::list(skipped));
  if (!suite.runs.empty())
    body += report::section("method", "How this was computed", report::list(method_of(suite.runs.front())));
  return report::html_page("tandem compare: " + suite.title, body);
}

}  // namespace tandem::benchmark
