#include <algorithm>

#include "report/format.hpp"

namespace tandem::report {
namespace {

constexpr std::size_t kShownEvents = 10;

// A cell may hold what an endpoint sent: no pipe, no line end, no markup of it gets through.
std::string cell(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\n' || c == '\r')
      safe += ' ';
    else if (c == '<')
      safe += "&lt;";
    else {
      if (c == '|' || c == '\\' || c == '`' || c == '*' || c == '_' || c == '[' || c == ']') safe += '\\';
      safe += c;
    }
  }
  return safe;
}

std::string row(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const auto& each : cells) text.append(" ").append(each).append(" |");
  return text + "\n";
}

// With the noise floor, where one was measured.
std::string effect_table(const std::string& control, const std::string& candidate, const std::vector<Effect>& effects) {
  const bool has_floor =
      std::any_of(effects.begin(), effects.end(), [](const Effect& one) { return one.noise_floor.has_value(); });
  std::vector<std::string> heads{"metric", cell(control), cell(candidate), "ratio", "interval"};
  std::vector<std::string> rule{"---", "---:", "---:", "---:", "---"};
  if (has_floor) {
    heads.emplace_back("noise floor (A/A)");
    rule.emplace_back("---");
  }
  heads.insert(heads.end(), {"deff", "verdict"});
  rule.insert(rule.end(), {"---:", "---"});
  auto text = row(heads) + row(rule);
  for (const auto& effect : effects) {
    if (effect.standing == Standing::no_data) continue;
    std::vector<std::string> cells{std::string(name_of(effect.metric)), format_value(effect.metric, effect.control),
                                   format_value(effect.metric, effect.candidate),
                                   effect.ratio > 0 ? format_ratio(effect.ratio) : "",
                                   effect.ratio > 0 ? cell(format_interval(effect.interval)) : ""};
    if (has_floor) cells.push_back(effect.noise_floor ? cell(format_interval(effect.noise_floor->interval)) : "");
    cells.push_back(effect.design_effect > 1 ? format_number(effect.design_effect) : "");
    cells.push_back(verdict_text(effect));
    text += row(cells);
  }
  return text;
}

// The newest changes, the newest last.
std::string events_table(const std::vector<Event>& events) {
  auto text = row({"time", "what happened"}) + row({"---", "---"});
  const auto shown = static_cast<std::ptrdiff_t>(std::min(events.size(), kShownEvents));
  for (auto event = events.end() - shown; event != events.end(); ++event)
    text += row({format_time(event->unix_ms), cell(event->text)});
  return text;
}

}  // namespace

std::string to_markdown(const Report& report) {
  std::string text = "## Experiment " + cell(report.experiment) + " on `" + report.route + "`\n\n" + cell(report.state) +
                     ", revision " + std::to_string(report.revision) + "\n";
  for (const auto& candidate : report.candidates) {
    text += "\n### " + cell(candidate.name) + " (" + candidate.backend + ") against " + cell(report.control) + " (" +
            report.control_backend + "): " + std::string(name_of(candidate.standing)) +
            (candidate.why.empty() ? "" : ", " + candidate.why) + "\n\n";
    for (const auto& sentence : candidate.sentences) text += "- " + cell(sentence) + "\n";
    if (candidate.standing != Standing::no_data)
      text += "\n" + effect_table(report.control, candidate.name, candidate.effects) + "\n" +
              cell(noise_words(report, candidate)) + "\n";
    if (candidate.answers && !candidate.answers->findings.empty()) {
      text += "\n" + row({"difference", "where", "status", "pairs", "b:c", "the candidate's"}) +
              row({"---", "---", "---", "---:", "---", "---"});
      for (const auto& line : candidate.answers->findings)
        text += row({std::string(comparison::name_of(line.signature.kind)), cell(line.signature.path),
                     std::to_string(line.signature.status_control) + "/" + std::to_string(line.signature.status_candidate),
                     std::to_string(line.finding.count),
                     std::to_string(line.finding.candidate_only) + ":" + std::to_string(line.finding.control_only),
                     line.is_real ? "yes" : "not shown"});
    }
    text += "\n";
    for (const auto& line : health_of(report, candidate)) text += "- " + cell(line) + "\n";
  }
  if (report.shadow_cost)
    text += "\n### Live requests of " + cell(report.control) + " while shadows run\n\n" +
            effect_table("without", "with", report.shadow_cost->effects);
  if (!report.events.empty()) text += "\n" + events_table(report.events);
  text += "\n";
  for (const auto& line : method_of(report)) text += "> " + line + "\n";
  return text;
}

}  // namespace tandem::report
