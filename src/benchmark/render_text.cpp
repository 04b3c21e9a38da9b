#include <sstream>

#include "benchmark/benchmark.hpp"
#include "benchmark/words.hpp"
#include "report/format.hpp"

namespace tandem::benchmark {

namespace {

std::string validity_text(const Findings& findings) {
  std::string text = findings.is_valid
                         ? "valid\n"
                         : "INVALID: no figure of this run may be used (docs/compare.md says what to do about each check)\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& check : findings.checks)
    rows.push_back({check.is_ok ? "ok" : "FAILED", check.name, check.value, "(" + check.demand + ")"});
  return text + report::text_table(rows);
}

std::string samples_text(const Run& run) {
  std::string text = "\nanswers that differ\n";
  for (const auto& sample : run.answers->samples) {
    text += "  " + sample.request + "\n";
    for (const auto& difference : sample.differences)
      text += "    " + std::string(comparison::name_of(difference.kind)) + " " + difference.path + ": " + run.control.name +
              " " + (difference.control.empty() ? "nothing" : difference.control) + ", " + run.candidate.name + " " +
              (difference.candidate.empty() ? "nothing" : difference.candidate) + "\n";
  }
  return text;
}

// Each sentence at the margin, its further lines below it.
std::string wrapped(const std::vector<std::string>& sentences, std::string_view margin) {
  constexpr std::size_t kColumns = 110;
  std::string text;
  for (const auto& sentence : sentences) {
    std::istringstream words(sentence);
    std::string line(margin);
    for (std::string word; words >> word;) {
      if (line.size() + word.size() >= kColumns) {
        text += line + "\n";
        line = std::string(margin) + "  ";
      }
      line += (line.empty() || line.back() == ' ' ? "" : " ") + word;
    }
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::string to_text(const Run& run, const Findings& findings) {
  std::string text = title_of(run) + "\n" + wrapped(setup_of(run), "  ") + (run.blocks.empty() ? "" : "\n");
  if (!run.blocks.empty()) text += validity_text(findings);
  if (!findings.sentences.empty()) text += "\n" + wrapped(findings.sentences, "");
  if (findings.is_valid && !findings.effects.empty())
    text += "\n" + report::text_table(effect_rows(run, findings)) + "\n" + report::text_table(totals_rows(run, findings));
  if (findings.is_valid && run.capacity_control) text += "\n" + report::text_table(capacity_rows(run));
  if (run.answers && !run.answers->samples.empty()) text += samples_text(run);
  if (!run.blocks.empty() && findings.is_valid) text += "\n" + wrapped(method_of(run), "");
  return text;
}

std::string to_text(const Suite& suite) {
  std::string text = suite.title + ": " + std::to_string(suite.runs.size()) + " twin routes" +
                     (suite.skipped.empty() ? "" : ", " + std::to_string(suite.skipped.size()) + " NOT MEASURED") + "\n";
  if (!suite.runs.empty()) text += "  " + suite.runs.front().machine + "; tandem " + suite.runs.front().version + "\n";
  text += "\n" + report::text_table(suite_rows(suite));
  for (const auto& one : suite.skipped) text.append("\nskipped: ").append(one.route).append(": ").append(one.why);
  if (!suite.skipped.empty()) text += "\n";
  if (!suite.notes.empty()) text += "\n" + wrapped(suite.notes, "");
  for (const auto& run : suite.runs) {
    const auto findings = evaluate(run);
    for (const auto& check : findings.checks)
      if (!check.is_ok)
        text += "\n" + run.title + " is invalid: " + check.name + ": " + check.value + " (" + check.demand + ")\n";
    if (run.answers && !run.answers->samples.empty()) text += "\n" + run.title + samples_text(run);
  }
  if (!suite.runs.empty()) text += "\n" + wrapped(method_of(suite.runs.front()), "");
  return text;
}

}  // namespace tandem::benchmark
