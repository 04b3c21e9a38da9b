#include <algorithm>

#include "report/format.hpp"

namespace tandem::report {
namespace {

std::vector<std::vector<std::string>> effect_rows(const std::string& control, const std::string& candidate,
                                                  const std::vector<Effect>& effects) {
  std::vector<std::vector<std::string>> rows{{"metric", control, candidate, "ratio", "interval", "deff", "verdict"}};
  for (const auto& effect : effects) {
    if (effect.standing == Standing::no_data) continue;
    const bool has_ratio = effect.ratio > 0;
    rows.push_back({std::string(name_of(effect.metric)), format_value(effect.metric, effect.control),
                    format_value(effect.metric, effect.candidate), has_ratio ? format_ratio(effect.ratio) : "",
                    has_ratio ? format_interval(effect.interval) : "",
                    effect.design_effect > 1 ? format_number(effect.design_effect) : "", verdict_text(effect)});
  }
  return rows;
}

std::string answers_text(const Answers& answers) {
  std::string text = "answers: " + std::to_string(answers.compared) + " pairs compared, " +
                     std::to_string(answers.mismatches) + " differ (" + format_percent(answers.rate.low) + " to " +
                     format_percent(answers.rate.high) + "), " + std::to_string(answers.noise) +
                     " as control differs from itself, " + std::to_string(answers.errors) + " failed, " +
                     std::to_string(answers.skipped) + " skipped\n";
  if (answers.findings.empty()) return text;
  std::vector<std::vector<std::string>> rows{{"what", "where", "status", "pairs", "b:c", "found"}};
  for (const auto& line : answers.findings) {
    if (rows.size() > 20) break;
    rows.push_back({std::string(comparison::name_of(line.signature.kind)), line.signature.path,
                    std::to_string(line.signature.status_control) + "/" + std::to_string(line.signature.status_candidate),
                    std::to_string(line.finding.count),
                    std::to_string(line.finding.candidate_only) + ":" + std::to_string(line.finding.control_only),
                    line.is_real           ? "the candidate's"
                    : answers.triples == 0 ? "no triples yet"
                                           : "may be noise"});
  }
  return text + text_table(rows);
}

}  // namespace

std::string to_text(const Report& report) {
  std::string text = "experiment " + report.experiment + " on " + report.route + ": " + report.state + ", revision " +
                     std::to_string(report.revision) + "\n";
  for (const auto& candidate : report.candidates) {
    text += "\n" + candidate.name + " (" + candidate.backend + ") against " + report.control + " (" +
            report.control_backend + "), at " + format_percent(candidate.weight_bp / 10'000.0) +
            " of the traffic: " + std::string(name_of(candidate.standing));
    if (!candidate.why.empty()) text += ", " + candidate.why;
    text += "\n";
    for (const auto& sentence : candidate.sentences) text += "  " + sentence + "\n";
    text += "\nhealth\n";
    for (const auto& line : health_of(report, candidate)) text += "  " + line + "\n";
    if (candidate.standing != Standing::no_data) {
      text += "\n" + text_table(effect_rows(report.control, candidate.name, candidate.effects));
      const auto stage = [](const std::string& name, const Stages& stages) {
        return std::vector<std::string>{name, format_duration(stages.queue), format_duration(stages.gil),
                                        format_duration(stages.exec)};
      };
      text += "\n" + text_table({{"mean of", "queue", "gil", "exec"},
                                 stage(report.control, candidate.stages_control),
                                 stage(candidate.name, candidate.stages_candidate)});
    }
    if (candidate.answers) text += "\n" + answers_text(*candidate.answers);
  }
  if (report.shadow_cost && report.shadow_cost->pairs == 0)
    text += "\nlive requests of " + report.control + " while shadows run: " + report.shadow_cost->effects.front().why + "\n";
  else if (report.shadow_cost)
    text += "\nlive requests of " + report.control + " while shadows run, " + std::to_string(report.shadow_cost->pairs) +
            " pairs of windows\n" + text_table(effect_rows("without", "with", report.shadow_cost->effects));
  if (!report.events.empty()) {
    text += "\nwhat happened\n";
    const auto first = report.events.size() > 20 ? report.events.end() - 20 : report.events.begin();
    for (auto event = first; event != report.events.end(); ++event)
      text += "  " + format_time(event->unix_ms) + "  " + event->text + "\n";
  }
  text += "\n";
  for (const auto& line : method_of(report)) text += line + "\n";
  return text;
}

}  // namespace tandem::report
