#include "benchmark/benchmark.hpp"
#include "benchmark/words.hpp"

namespace tandem::benchmark {

namespace {

// In a cell: a bar would end it.
std::string cell(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '|') safe += '\\';
    safe += c == '\n' ? ' ' : c;
  }
  return safe;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::string text;
  for (const auto& row : rows) {
    text += "|";
    for (const auto& value : row) text += " " + cell(value) + " |";
    text += "\n";
    if (&row != &rows.front()) continue;
    text += "|";
    for (std::size_t i = 0; i < row.size(); ++i) text += " --- |";
    text += "\n";
  }
  return text;
}

std::string list(const std::vector<std::string>& sentences) {
  std::string text;
  for (const auto& sentence : sentences) text += "- " + sentence + "\n";
  return text;
}

std::vector<std::vector<std::string>> check_rows(const Findings& findings) {
  std::vector<std::vector<std::string>> rows{{"check", "found", "demanded", ""}};
  for (const auto& check : findings.checks)
    rows.push_back({check.name, check.value, check.demand, check.is_ok ? "ok" : "**failed**"});
  return rows;
}

std::vector<std::vector<std::string>> difference_rows(const Run& run) {
  std::vector<std::vector<std::string>> rows{{"request", "what", "where", run.control.name, run.candidate.name}};
  for (const auto& sample : run.answers->samples)
    for (const auto& difference : sample.differences)
      rows.push_back({sample.request, std::string(comparison::name_of(difference.kind)), difference.path, difference.control,
                      difference.candidate});
  return rows;
}

}  // namespace

std::string to_markdown(const Run& run, const Findings& findings) {
  std::string text = "## " + title_of(run) + "\n\n";
  if (!run.blocks.empty())
    text += std::string(findings.is_valid ? "Valid." : "**Invalid: no figure of this run may be used.**") + "\n\n" +
            table(check_rows(findings)) + "\n";
  if (!findings.sentences.empty()) text += list(findings.sentences) + "\n";
  if (findings.is_valid && !findings.effects.empty())
    text += table(effect_rows(run, findings)) + "\n" + table(totals_rows(run, findings)) + "\n";
  if (findings.is_valid && run.capacity_control) text += table(capacity_rows(run)) + "\n";
  if (run.answers && !run.answers->samples.empty()) text += table(difference_rows(run)) + "\n";
  text += list(setup_of(run));
  if (!run.blocks.empty()) text += list(method_of(run));
  return text;
}

std::string to_markdown(const Suite& suite) {
  std::string text = "## " + suite.title + "\n\n" + table(suite_rows(suite)) + "\n";
  for (const auto& one : suite.skipped)
    text.append("- skipped: ").append(one.route).append(": ").append(one.why).append("\n");
  text += list(suite.notes);
  if (!suite.runs.empty()) text += list(method_of(suite.runs.front()));
  return text;
}

}  // namespace tandem::benchmark
