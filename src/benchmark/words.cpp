#include "benchmark/words.hpp"

#include <algorithm>
#include <cmath>

#include "report/format.hpp"

namespace tandem::benchmark {

namespace {

using report::format_duration;
using report::format_number;
using report::format_percent;

std::string named(const Subject& subject) {
  return subject.backend.empty() ? subject.name : subject.name + " (" + subject.backend + ")";
}

std::string format_rate(double rate) { return format_number(std::round(rate)); }

const Effect* find(const Findings& findings, Metric metric) {
  const auto found = std::find_if(findings.effects.begin(), findings.effects.end(),
                                  [&](const Effect& effect) { return effect.metric == metric; });
  return found == findings.effects.end() ? nullptr : &*found;
}

// "0.31× [0.29, 0.33]"
std::string cell_of(const Findings& findings, Metric metric) {
  const auto* effect = find(findings, metric);
  if (effect == nullptr || effect->ratio == 0) return "–";
  const auto interval = std::isinf(effect->interval.high) ? "" : " " + report::format_interval(effect->interval);
  return report::format_ratio(effect->ratio) + interval;
}

std::string answers_cell(const Run& run) {
  if (!run.answers) return "–";
  const auto& answers = *run.answers;
  if (answers.different > 0)
    return std::to_string(answers.different) + " of " + std::to_string(answers.requests) + " differ";
  if (answers.failed > 0) return std::to_string(answers.failed) + " failed";
  return answers.unstable == answers.requests ? "not comparable" : "the same";
}

std::vector<std::string> suite_row(const Run& run) {
  const auto findings = evaluate(run);
  if (run.blocks.empty()) return {run.title, "–", "–", "–", "–", "–", "–", answers_cell(run), "not measured"};
  if (!findings.is_valid)
    return {run.title, format_rate(run.plan.rate), "–", "–", "–", "–", "–", answers_cell(run), "INVALID"};
  const auto* mean = find(findings, Metric::mean);
  return {run.title,
          format_rate(run.plan.rate),
          mean ? format_value(mean->control) : "–",
          mean ? format_value(mean->candidate) : "–",
          cell_of(findings, Metric::mean),
          cell_of(findings, Metric::p99),
          cell_of(findings, Metric::cpu),
          answers_cell(run),
          mean ? verdict_text(*mean) : "no pair of blocks"};
}

}  // namespace

std::string format_value(double ns) { return ns > 0 ? format_duration(ns) : "–"; }

std::string verdict_text(const Effect& effect) {
  if (!effect.is_judged) return effect.why;
  return std::string(effect.verdict.words()) + (effect.why.empty() ? "" : ": " + effect.why);
}

std::string format_noise(const Effect& effect) { return effect.noise > 0 ? "±" + format_percent(effect.noise - 1) : "–"; }

std::string title_of(const Run& run) { return run.title + ": " + named(run.candidate) + " against " + named(run.control); }

std::vector<std::string> setup_of(const Run& run) {
  const auto& plan = run.plan;
  std::vector<std::string> lines;
  lines.push_back(run.control.url == run.candidate.url ? run.control.url
                                                       : run.control.name + " is " + run.control.url + ", " +
                                                             run.candidate.name + " is " + run.candidate.url);
  lines.push_back(std::to_string(run.distinct_requests) +
                  (run.distinct_requests == 1 ? " request, " : " requests in turn, such as ") + run.example);
  if (!run.blocks.empty())
    lines.push_back(format_number(plan.rate) + " requests a second, " + std::string(name_of(plan.arrivals)) + " arrivals, " +
                    std::to_string(plan.connections) + " connections, " + std::to_string(plan.pairs) +
                    " pairs of blocks of " + format_duration(static_cast<double>(plan.block.count())) +
                    " in random order, each after " + format_duration(static_cast<double>(plan.washout.count())) +
                    " that are not counted; before them " + std::to_string(plan.calibration_pairs) +
                    " of control against itself; seed " + std::to_string(plan.seed));
  lines.push_back(run.machine + "; tandem " + run.version + ", " + report::format_time(run.started_unix_ms));
  for (const auto& note : run.notes) lines.push_back(note);
  if (run.is_interrupted) lines.push_back("It was interrupted: only whole pairs count.");
  return lines;
}

std::vector<std::string> method_of(const Run& run) {
  return {
      "Open loop: every request has its moment before the run begins, and its latency counts from that moment, whatever the "
      "server does. Nothing is "
      "left out: time-outs and what was unfinished at the end count with what they had waited. Throughput of a closed loop "
      "is neither measured nor shown.",
      "Unit of analysis: the block. Ratios are candidate / control, less is better: geometric means over pairs of blocks "
      "with Student's interval (alpha " +
          format_number(run.plan.alpha) + " over all metrics, half of it for the mean).",
      "Better or worse: the whole interval lies on one side of 1, an exact sign-flip test agrees (p ≤ " +
          format_number(run.plan.alpha) +
          "), and the ratio is beyond the noise, the most that control differed from itself in a pair of blocks. "
          "Equivalent: the interval is inside " +
          format_percent(run.plan.margin) + ", from p90 on " + format_percent(run.plan.quantile_margin) + ".",
      "CPU: processor time of the server's processes for each request, less what they use when idle. "
      "Quantiles need 29 (p90), 299 (p99) and 2,995 (p99.9) requests a block (Wilks).",
  };
}

std::vector<std::vector<std::string>> effect_rows(const Run& run, const Findings& findings) {
  std::vector<std::vector<std::string>> rows{
      {"metric", run.control.name, run.candidate.name, "ratio", "interval", "noise", "p", "verdict"}};
  for (const auto& effect : findings.effects) {
    const bool has_interval = effect.ratio > 0 && !std::isinf(effect.interval.high);
    rows.push_back({std::string(name_of(effect.metric)), format_value(effect.control), format_value(effect.candidate),
                    effect.ratio > 0 ? report::format_ratio(effect.ratio) : "–",
                    has_interval ? report::format_interval(effect.interval) : "–", format_noise(effect),
                    has_interval ? format_number(effect.sign_flip_p) : "–", verdict_text(effect)});
  }
  return rows;
}

std::vector<std::vector<std::string>> totals_rows(const Run& run, const Findings& findings) {
  const auto row = [](const std::string& name, const Totals& totals) {
    return std::vector<std::string>{name,
                                    std::to_string(totals.planned),
                                    std::to_string(totals.answered),
                                    std::to_string(totals.wrong_status),
                                    std::to_string(totals.wrong_body),
                                    std::to_string(totals.timeouts),
                                    std::to_string(totals.censored),
                                    format_rate(totals.achieved_rate),
                                    format_duration(totals.service.mean_ns()),
                                    totals.rss_bytes < 0 ? "–" : format_number(totals.rss_bytes / (1024 * 1024)) + " MiB"};
  };
  return {{"requests", "due", "answered", "wrong status", "wrong body", "timed out", "unfinished", "a second",
           "service mean", "RSS"},
          row(run.control.name, findings.control),
          row(run.candidate.name, findings.candidate)};
}

std::vector<std::vector<std::string>> capacity_rows(const Run& run) {
  std::vector<std::vector<std::string>> rows{{"capacity", "rate", "achieved", "latency", "goal"}};
  for (const auto& [subject, capacity] :
       {std::pair{&run.control, &run.capacity_control}, std::pair{&run.candidate, &run.capacity_candidate}})
    if (*capacity)
      for (const auto& step : (*capacity)->steps)
        rows.push_back({subject->name + (step.is_confirmation ? ", again" : ""), format_rate(step.rate),
                        format_rate(step.achieved), format_duration(step.latency),
                        step.is_kept ? "kept" : "missed: " + step.why});
  return rows;
}

std::vector<std::vector<std::string>> suite_rows(const Suite& suite) {
  const std::string control = suite.runs.empty() ? "control" : suite.runs.front().control.name;
  const std::string candidate = suite.runs.empty() ? "candidate" : suite.runs.front().candidate.name;
  std::vector<std::vector<std::string>> rows{
      {"route", "rate/s", control, candidate, "mean", "p99", "CPU", "answers", "verdict on the mean"}};
  for (const auto& run : suite.runs) rows.push_back(suite_row(run));
  return rows;
}

}  // namespace tandem::benchmark
