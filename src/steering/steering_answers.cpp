// What the admin side is told of experiments.
#include <algorithm>
#include <utility>

#include "base/timestamp.hpp"
#include "experiment/murmur3.hpp"
#include "experiment/switchback.hpp"
#include "http/problem.hpp"
#include "http/target.hpp"
#include "report/html_page.hpp"
#include "steering/change_json.hpp"
#include "steering/facts.hpp"
#include "steering/steering.hpp"

namespace tandem::steering {

namespace {

using experiment::State;

http::Response json_response(const Json& document) {
  return http::json_text(document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

int status_of(const std::string& code) {
  if (code == "experiment.not_found") return 404;
  if (code == "experiment.wrong_state") return 409;
  if (code == "experiment.conflict") return 412;
  if (code == "experiment.no_reason" || code == "experiment.bad_weights") return 422;
  if (code == "experiment.no_if_match") return 428;
  if (code == "experiment.not_persisted") return 503;
  return 400;
}

http::Response refusal(const Error& error) {
  return http::problem_response(http::Problem(status_of(error.code), error.code, error.message), {});
}

Error not_found(const std::string& id) {
  return {"experiment.not_found",
          "no route of this server has an experiment \"" + id + "\"; /api/v1/experiments lists them"};
}

std::string etag_of(const Life& life) { return "\"" + std::to_string(life.revision) + "\""; }

// A value of the query that has to be one of two words.
bool is_set(std::string_view query, std::string_view name) {
  const auto value = http::find_query(query, name);
  return value && !value->empty() && *value != "0" && *value != "false";
}

Json guardrails_json(const experiment::Settings& settings, const std::vector<Judgement>& judgements) {
  auto guardrails = Json::array();
  for (const auto& one : judgements)
    guardrails.push_back({{"guardrail", format_guardrail(settings.guardrails[one.guardrail])},
                          {"arm", settings.arms[one.arm].name},
                          {"fired", one.has_fired},
                          {"evidence", one.evidence}});
  return guardrails;
}

// The newest pairs that have a difference, for a person to look at; all of them are in the state.
Json samples_json(const comparison::Finding& finding) {
  constexpr std::size_t kShown = 3;
  auto samples = Json::array();
  const auto first = finding.samples.size() - std::min(finding.samples.size(), kShown);
  for (auto i = first; i < finding.samples.size(); ++i) {
    const auto& sample = finding.samples[i];
    auto differences = Json::array();
    for (const auto& one : sample.differences)
      differences.push_back({{"kind", comparison::name_of(one.kind)},
                             {"path", one.path},
                             {"control", one.control},
                             {"candidate", one.candidate}});
    samples.push_back({{"unix_ms", sample.unix_ms},
                       {"request", sample.request},
                       {"request_id", sample.request_id},
                       {"differences", std::move(differences)}});
  }
  return samples;
}

// What the report says of answers, with samples.
Json diffs_json(const std::string& id, const report::Report& report) {
  const auto whole = Json::parse(report::to_json(report));
  auto candidates = Json::array();
  for (std::size_t i = 0; i < report.candidates.size(); ++i) {
    auto answers = whole.at("candidates")[i].value("answers", Json(nullptr));
    if (!answers.is_null())
      for (std::size_t k = 0; k < answers.at("findings").size(); ++k)
        answers["findings"][k]["samples"] = samples_json(report.candidates[i].answers->findings[k].finding);
    candidates.push_back({{"name", report.candidates[i].name}, {"answers", std::move(answers)}});
  }
  return {{"id", id}, {"candidates", std::move(candidates)}};
}

}  // namespace

Json Steering::describe(const Subject& subject) const {
  const auto& life = subject.life;
  Json document{{"id", subject.settings.id},
                {"route", subject.settings.route},
                {"control", subject.settings.control},
                {"revision", life.revision},
                {"epoch", life.epoch},
                {"state", experiment::format_state(life.state)},
                {"arms", arms_json(subject.settings, life)},
                {"schedule", schedule_json(subject.settings, life, subject.waiting_for)},
                {"guardrails", guardrails_json(subject.settings, subject.judgements)},
                {"updated_at", format_timestamp(life.updated_at)},
                {"updated_by", life.updated_by},
                {"reason", life.reason},
                {"persisted", subject.unpersisted.empty() && subject.unwritten.empty()}};
  if (!subject.unpersisted.empty()) document["not_persisted_because"] = subject.unpersisted;
  return document;
}

http::Response Steering::answer(const Question& question) {
  using Kind = Question::Kind;
  if (question.kind == Kind::audit) return answer_audit(question);
  if (question.kind == Kind::list) {
    auto experiments = Json::array();
    for (const auto& [id, subject] : subjects_) experiments.push_back(describe(subject));
    return json_response({{"experiments", experiments}});
  }
  auto* const subject = find(question.id);
  if (subject == nullptr) return refusal(not_found(question.id));
  switch (question.kind) {
    case Kind::show: {
      const auto etag = etag_of(subject->life);
      auto response = question.if_none_match == etag ? http::Response(304) : json_response(describe(*subject));
      response.headers.add("ETag", etag);
      return response;
    }
    case Kind::change:
      return answer_change(*subject, question);
    case Kind::gate:
      return answer_gate(*subject);
    case Kind::explain:
      return answer_explain(*subject, question);
    case Kind::state: {
      collect();
      auto response = http::json_text(report::to_json(subject->state) + "\n");
      return response;
    }
    case Kind::report:
    case Kind::diffs:
      return answer_report(*subject, question);
    case Kind::list:
    case Kind::audit:
      break;
  }
  return refusal(not_found(question.id));
}

http::Response Steering::answer_change(Subject& subject, const Question& question) {
  if (question.action == "put" && question.if_match.empty())
    return refusal(Error("experiment.no_if_match",
                         "PUT replaces what others may have changed: send If-Match with the ETag that GET gave"));
  const auto if_revision = parse_if_match(question.if_match);
  if (!if_revision) return refusal(if_revision.error());
  auto ordered = parse_change(subject.settings, subject.life, question.action, question.body);
  if (!ordered) return refusal(ordered.error());
  ordered->actor = question.by;
  ordered->if_revision = *if_revision;
  ordered->requests = candidate_requests(subject.settings, subject.state);
  if (is_set(question.query, "dry_run")) {
    if (ordered->reason.empty()) ordered->reason = "dry run";
    const auto after = apply(subject.settings, subject.life, *ordered, clock_.wall());
    if (!after) return refusal(after.error());
    auto response = json_response(preview_json(subject.settings, subject.life, *after));
    response.headers.add("ETag", etag_of(subject.life));
    return response;
  }
  if (const auto changed = change(subject, std::move(*ordered)); !changed) return refusal(changed.error());
  auto response = json_response(describe(subject));
  response.headers.add("ETag", etag_of(subject.life));
  return response;
}

http::Response Steering::answer_gate(const Subject& subject) {
  using Do = experiment::GuardrailSettings::Action;
  const auto& settings = subject.settings;
  std::vector<std::string> fired;
  for (const auto& [guardrail, arm] : subject.fired)
    if (settings.guardrails[guardrail].action != Do::warn)
      fired.push_back("the guardrail " + format_guardrail(settings.guardrails[guardrail]) + " of " +
                      settings.arms[arm].name + " has fired");
  std::optional<RampDecision> ramp;
  RampFacts facts;
  if (subject.life.ramp) ramp = decide_ramp(subject, facts);
  const auto passing = gate_of(settings, subject.life, fired, ramp, report::evaluate(subject.state));
  constexpr std::pair<int, std::string_view> kAnswers[] = {{200, "pass"}, {409, "fail"}, {425, "undecided"}};
  const auto& [status, word] = kAnswers[static_cast<std::size_t>(passing.pass)];
  auto response = json_response({{"id", settings.id},
                                 {"revision", subject.life.revision},
                                 {"state", experiment::format_state(subject.life.state)},
                                 {"gate", word},
                                 {"why", passing.why}});
  response.status = status;
  return response;
}

http::Response Steering::answer_explain(const Subject& subject, const Question& question) {
  const auto key = http::find_query(question.query, "key");
  if (!key) return refusal(Error("experiment.bad_body", "say which key: ?key=…"));
  const auto layout = subject.experiment->layout();
  const auto& settings = subject.settings;
  if (settings.assign == experiment::Assign::switchback && layout->state == experiment::State::running) {
    const auto turn = experiment::switchback_turn(*layout, settings.salt, settings.block, settings.washout, clock_.wall());
    return json_response({{"id", settings.id},
                          {"key", *key},
                          {"bucket", nullptr},  // whose turn it is does not depend on it
                          {"arm", settings.arms[turn.arm].name},
                          {"is_analysed", !turn.is_washout},
                          {"revision", layout->revision},
                          {"epoch", layout->epoch}});
  }
  const auto hash = experiment::KeyHash("assign", subject.settings.salt)(*key);
  const auto bucket = static_cast<unsigned>((std::uint64_t{hash} * experiment::kBuckets) >> 32);
  return json_response({{"id", subject.settings.id},
                        {"key", *key},
                        {"bucket", bucket},
                        {"arm", subject.settings.arms[layout->owner[bucket]].name},
                        {"is_analysed", layout->is_analysed[bucket]},
                        {"revision", layout->revision},
                        {"epoch", layout->epoch}});
}

http::Response Steering::answer_report(const Subject& subject, const Question& question) {
  const auto depth = question.kind == Question::Kind::diffs ? report::Depth::verdicts : report::Depth::everything;
  const auto report = report::evaluate(subject.state, depth);
  const auto format = http::find_query(question.query, "format").value_or("json");
  if (question.kind == Question::Kind::diffs) return json_response(diffs_json(subject.settings.id, report));
  if (format == "json") return http::json_text(report::to_json(report) + "\n");
  if (format == "md") return http::Response(200, "text/markdown; charset=utf-8", report::to_markdown(report));
  if (format == "text") return http::text(report::to_text(report));
  if (format == "html") {
    http::Response response(200, "text/html; charset=utf-8", report::to_html(report));
    response.headers.add("Content-Security-Policy", std::string(report::kPagePolicy) + "; frame-ancestors 'none'");
    return response;
  }
  return refusal(Error("experiment.bad_body", "\"format\" is json, md, html or text, got \"" + format + "\""));
}

http::Response Steering::answer_audit(const Question& question) {
  const auto path = directory_ ? directory_->audit_path() : std::filesystem::path(state_dir_) / "audit.jsonl";
  const auto read = read_file(path);
  const std::string text = read ? read->value_or("") : "";
  const auto format = http::find_query(question.query, "format").value_or("json");
  if (format == "jsonl") return http::Response(200, "application/jsonl", text);
  if (format != "json") return refusal(Error("experiment.bad_body", "\"format\" is json or jsonl, got \"" + format + "\""));
  std::optional<WallTime> since;
  if (const auto asked = http::find_query(question.query, "since")) {
    since = parse_timestamp(*asked);
    if (!since)
      return refusal(
          Error("experiment.bad_body", "\"since\" is a time such as 2026-11-23T10:00:00Z, got \"" + *asked + "\""));
  }
  auto entries = Json::array();
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    auto entry = Json::parse(line, nullptr, false);
    if (!entry.is_object()) continue;
    if (since) {
      const auto at =
          entry.contains("at") && entry["at"].is_string() ? parse_timestamp(entry["at"].get<std::string>()) : std::nullopt;
      if (!at || *at < *since) continue;
    }
    entries.push_back(std::move(entry));
  }
  return json_response({{"entries", std::move(entries)}});
}

}  // namespace tandem::steering
