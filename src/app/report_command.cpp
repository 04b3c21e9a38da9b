// "tandem report" and "tandem diffs": what an experiment says, from a running server, from several replicas, or from saved
// states. All figures are made here, by the same pure functions, wherever the state comes from.
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "admin/admin_url.hpp"
#include "app/admin_access.hpp"
#include "app/commands.hpp"
#include "report/report.hpp"

namespace tandem::app {
namespace {

Result<std::string> read_state_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error("can't read " + path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<report::State> parse(const Result<std::string>& text, const std::string& source) {
  if (!text) return text.error();
  auto state = report::parse_state(*text);
  if (!state) return Error(source + ": " + state.error().message);
  return state;
}

// All sources as one.
Result<report::State> gather(const StateSource& source) {
  std::vector<Result<report::State>> states;
  for (const auto& path : source.files) states.push_back(parse(read_state_file(path), path));
  const auto page = "/api/v1/experiments/" + admin::percent_encoded(source.route) + "/state";
  if (source.files.empty())
    for (const auto& url : source.replicas) states.push_back(parse(admin::admin_get(client_options(url), page), url));
  for (auto& state : states) {
    if (!state) return state.error();
    if (&state == &states.front()) continue;
    if (auto merged = states.front()->merge(*state); !merged) return merged.error();
  }
  return std::move(*states.front());
}

std::string quoted(const std::string& text) { return text.empty() ? "nothing" : text; }

std::string describe(const report::FindingLine& line, std::size_t samples) {
  std::string text = std::string(comparison::name_of(line.signature.kind)) + " " + line.signature.path + ", status " +
                     std::to_string(line.signature.status_control) + "/" + std::to_string(line.signature.status_candidate) +
                     ": " + std::to_string(line.finding.count) + " pairs" + (line.is_real ? ", the candidate's" : "") + "\n";
  const auto& all = line.finding.samples;
  const auto first = all.size() > samples ? all.end() - static_cast<std::ptrdiff_t>(samples) : all.begin();
  for (auto sample = first; sample != all.end(); ++sample) {
    text += "  " + sample->request + "  [" + sample->request_id + "]\n";
    for (const auto& difference : sample->differences)
      if (difference.path == line.signature.path && difference.kind == line.signature.kind)
        text += "    control " + quoted(difference.control) + "\n    candidate " + quoted(difference.candidate) + "\n";
  }
  return text;
}

std::string diffs_text(const report::Report& report, std::size_t samples) {
  std::string text;
  for (const auto& candidate : report.candidates) {
    if (!candidate.answers) {
      text += candidate.name + ": nothing was compared\n";
      continue;
    }
    const auto& answers = *candidate.answers;
    text += candidate.name + ": " + std::to_string(answers.mismatches) + " of " + std::to_string(answers.compared) +
            " pairs differ\n";
    for (const auto& line : answers.findings) text += describe(line, samples);
  }
  return text;
}

std::string diffs_json(const report::State& state) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& [candidate, tally] : state.comparisons) json[candidate] = nlohmann::ordered_json::parse(tally.to_json());
  return json.dump(2) + "\n";
}

}  // namespace

int run_command(const ReportCommand& command) {
  const auto state = gather(command.source);
  if (!state) return complain(state.error().message);
  const auto report = report::evaluate(*state, report::Depth::everything);
  const auto text = command.format == "json"   ? report::to_json(report)
                    : command.format == "md"   ? report::to_markdown(report)
                    : command.format == "html" ? report::to_html(report)
                                               : report::to_text(report);
  return deliver(text, command.output);
}

int run_command(const DiffsCommand& command) {
  const auto state = gather(command.source);
  if (!state) return complain(state.error().message);
  std::cout << (command.json ? diffs_json(*state) : diffs_text(report::evaluate(*state), command.samples));
  return 0;
}

}  // namespace tandem::app
