#include <cmath>
#include <nlohmann/json.hpp>

#include "report/format.hpp"

namespace tandem::report {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json to_json(const statistics::Interval& interval) { return Json::array({number(interval.low), number(interval.high)}); }

Json to_json(const Effect& effect) {
  Json json;
  json["metric"] = name_of(effect.metric);
  json["standing"] = name_of(effect.standing);
  json["verdict"] = verdict_text(effect);
  json["equivalent"] = effect.standing == Standing::judged && effect.verdict.is_equivalent;
  if (!effect.why.empty()) json["why"] = effect.why;
  json["control"] = number(effect.control);
  json["candidate"] = number(effect.candidate);
  json["ratio"] = effect.ratio > 0 ? number(effect.ratio) : Json(nullptr);
  json["interval"] = to_json(effect.interval);
  json["alpha"] = effect.alpha;
  json["margin"] = effect.margin;
  json["windows"] = effect.windows;
  json["design_effect"] = effect.design_effect;
  json["by_keys"] = effect.is_wider_by_keys;
  json["noise_floor"] = nullptr;
  if (effect.noise_floor)
    json["noise_floor"] = {{"ratio", number(effect.noise_floor->ratio)},
                           {"interval", to_json(effect.noise_floor->interval)}};
  return json;
}

Json to_json(const Health& health) {
  Json json;
  json["windows"] = health.windows;
  json["full_windows"] = health.full_windows;
  json["window_seconds"] = health.window_seconds;
  json["seconds"] = health.seconds;
  json["requests"] = {{"control", health.requests_control}, {"candidate", health.requests_candidate}};
  json["keys"] =
      health.has_keys ? Json{{"control", health.keys_control}, {"candidate", health.keys_candidate}} : Json(nullptr);
  json["effective_clusters"] = health.effective_clusters;
  json["sample_ratio"] = {{"p", health.ratio_p}, {"ln_e", health.ratio_ln_e}, {"deviation", health.ratio_deviation}};
  json["concurrency"] = health.concurrency;
  json["invalid"] = health.invalid;
  json["warnings"] = health.warnings;
  return json;
}

Json to_json(const Stages& stages) {
  return {{"queue_ns", stages.queue}, {"gil_ns", stages.gil}, {"exec_ns", stages.exec}, {"total_ns", stages.total}};
}

Json to_json(const HeatMap& heat) {
  return {{"since", heat.since},
          {"column_seconds", heat.column_seconds},
          {"borders_ns", heat.borders},
          {"control", heat.control},
          {"candidate", heat.candidate}};
}

Json to_json(const Progress& progress) {
  Json json;
  json["metric"] = name_of(progress.metric);
  json["guardrail"] = progress.guardrail > 0 ? Json(progress.guardrail) : Json(nullptr);
  json["points"] = Json::array();
  for (const auto& point : progress.points)
    json["points"].push_back({{"unix_seconds", point.unix_seconds},
                              {"ratio", point.ratio > 0 ? number(point.ratio) : Json(nullptr)},
                              {"interval", to_json(point.interval)}});
  return json;
}

Json to_json(const Answers& answers) {
  Json json;
  json["compared"] = answers.compared;
  json["mismatches"] = answers.mismatches;
  json["noise"] = answers.noise;
  json["errors"] = answers.errors;
  json["skipped"] = answers.skipped;
  json["triples"] = answers.triples;
  json["rate"] = to_json(answers.rate);
  json["shapes"] = {{"live", answers.live_shapes}, {"covered", answers.covered_shapes}};
  json["lost_findings"] = answers.lost_findings;
  json["findings"] = Json::array();
  for (const auto& line : answers.findings) {
    Json finding;
    finding["kind"] = comparison::name_of(line.signature.kind);
    finding["path"] = line.signature.path;
    finding["status"] = {{"control", line.signature.status_control}, {"candidate", line.signature.status_candidate}};
    finding["pairs"] = line.finding.count;
    finding["first_ms"] = line.finding.first_ms;
    finding["last_ms"] = line.finding.last_ms;
    finding["candidate_only"] = line.finding.candidate_only;
    finding["control_only"] = line.finding.control_only;
    finding["ln_e"] = number(line.ln_e);
    finding["real"] = line.is_real;
    json["findings"].push_back(std::move(finding));
  }
  return json;
}

Json to_json(const CandidateReport& candidate) {
  Json json;
  json["name"] = candidate.name;
  json["backend"] = candidate.backend;
  json["weight_bp"] = candidate.weight_bp;
  json["standing"] = name_of(candidate.standing);
  json["why"] = candidate.why;
  json["sentences"] = candidate.sentences;
  json["health"] = to_json(candidate.health);
  json["effects"] = Json::array();
  for (const auto& effect : candidate.effects) json["effects"].push_back(to_json(effect));
  json["stages"] = {{"control", to_json(candidate.stages_control)}, {"candidate", to_json(candidate.stages_candidate)}};
  json["error_events"] = {{"ln_e", number(candidate.error_ln_e)}, {"ratio", to_json(candidate.error_ratio)}};
  json["answers"] = candidate.answers ? to_json(*candidate.answers) : Json(nullptr);
  json["over_time"] = Json::array();
  for (const auto& point : candidate.over_time)
    json["over_time"].push_back({{"unix_seconds", point.unix_seconds},
                                 {"requests", {point.requests_control, point.requests_candidate}},
                                 {"mean_ns", {point.mean_control, point.mean_candidate}}});
  json["shift"] = Json::array();
  for (const auto& point : candidate.shift)
    json["shift"].push_back({{"p", point.p}, {"ratio", number(point.ratio)}, {"band", to_json(point.band)}});
  if (candidate.pictures) {
    json["heat_map"] = to_json(candidate.pictures->heat);
    json["progress"] = Json::array();
    for (const auto& progress : candidate.pictures->progress) json["progress"].push_back(to_json(progress));
  }
  return json;
}

}  // namespace

std::string to_json(const Report& report) {
  Json json;
  json["schema"] = 1;
  json["experiment"] = report.experiment;
  json["route"] = report.route;
  json["salt"] = report.salt;
  json["assign"] = report.assign;
  json["state"] = report.state;
  json["revision"] = report.revision;
  json["control"] = {{"name", report.control}, {"backend", report.control_backend}};
  json["analysis"] = report.is_matched ? "matched" : "all";
  json["candidates"] = Json::array();
  for (const auto& candidate : report.candidates) json["candidates"].push_back(to_json(candidate));
  json["shadow_cost"] = nullptr;
  if (report.shadow_cost) {
    json["shadow_cost"] = {{"pairs", report.shadow_cost->pairs}, {"effects", Json::array()}};
    for (const auto& effect : report.shadow_cost->effects) json["shadow_cost"]["effects"].push_back(to_json(effect));
  }
  json["events"] = Json::array();
  for (const auto& event : report.events) json["events"].push_back({{"unix_ms", event.unix_ms}, {"text", event.text}});
  json["guardrails"] = Json::array();
  for (const auto& one : report.guardrails)
    json["guardrails"].push_back({{"metric", one.metric}, {"margin", one.margin}, {"action", one.action}});
  json["method"] = method_of(report);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tandem::report
