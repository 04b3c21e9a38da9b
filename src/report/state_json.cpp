#include <algorithm>
#include <nlohmann/json.hpp>

#include "measure/record_json.hpp"
#include "report/state.hpp"

namespace tandem::report {
namespace {

using Json = nlohmann::json;

Json to_json(const ArmIdentity& arm) { return {{"name", arm.name}, {"backend", arm.backend}, {"weight_bp", arm.weight_bp}}; }

Json to_json(const Demands& demands) {
  return {{"planned_windows", demands.planned_windows}, {"min_windows", demands.min_windows},
          {"min_seconds", demands.min_seconds},         {"margin", demands.margin},
          {"quantile_margin", demands.quantile_margin}, {"alpha", demands.alpha}};
}

Demands demands_of(const Json& json) {
  Demands demands;
  json.at("planned_windows").get_to(demands.planned_windows);
  json.at("min_windows").get_to(demands.min_windows);
  json.at("min_seconds").get_to(demands.min_seconds);
  json.at("margin").get_to(demands.margin);
  json.at("quantile_margin").get_to(demands.quantile_margin);
  json.at("alpha").get_to(demands.alpha);
  if (demands.planned_windows == 0 || !(demands.margin > 0) || !(demands.quantile_margin > 0) ||
      !(demands.alpha > 0 && demands.alpha < 1))
    throw Json::other_error::create(501, "\"demands\" are out of range", nullptr);
  return demands;
}

}  // namespace

std::string to_json(const State& state) {
  Json arms = Json::array();
  for (const auto& arm : state.arms) arms.push_back(to_json(arm));
  Json comparisons = Json::object();
  for (const auto& [candidate, tally] : state.comparisons) comparisons[candidate] = Json::parse(tally.to_json());
  Json events = Json::array();
  for (const auto& event : state.events) events.push_back({{"unix_ms", event.unix_ms}, {"text", event.text}});
  Json guardrails = Json::array();
  for (const auto& one : state.guardrails)
    guardrails.push_back({{"metric", one.metric}, {"margin", one.margin}, {"action", one.action}});
  const Json json = {{"schema", State::kSchema},
                     {"experiment", state.experiment},
                     {"route", state.route},
                     {"salt", state.salt},
                     {"state", state.state},
                     {"assign", state.assign},
                     {"revision", state.revision},
                     {"arms", std::move(arms)},
                     {"control", state.control},
                     {"matched", state.is_matched},
                     {"demands", to_json(state.demands)},
                     {"verified_since", state.verified_since},
                     {"record", measure::to_json(state.record)},
                     {"comparisons", std::move(comparisons)},
                     {"rules", state.rules},
                     {"answers_since", state.answers_since},
                     {"events", std::move(events)},
                     {"forgotten",
                      {{"epochs", state.forgotten.epochs},
                       {"candidate_requests", state.forgotten.candidate_requests},
                       {"events", state.forgotten.events}}},
                     {"guardrails", std::move(guardrails)},
                     {"drift", state.drift}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<State> parse_state(std::string_view text) {
  const auto wrong = [](const std::string& why) { return Error("this is no state of an experiment: " + why); };
  try {
    const auto json = Json::parse(text);
    if (json.at("schema") != State::kSchema)
      return wrong("its schema is " + json.at("schema").dump() + ", this version knows " + std::to_string(State::kSchema));
    State state;
    json.at("experiment").get_to(state.experiment);
    json.at("route").get_to(state.route);
    json.at("salt").get_to(state.salt);
    json.at("state").get_to(state.state);
    json.at("assign").get_to(state.assign);
    json.at("revision").get_to(state.revision);
    for (const auto& arm : json.at("arms")) state.arms.push_back({arm.at("name"), arm.at("backend"), arm.at("weight_bp")});
    json.at("control").get_to(state.control);
    json.at("matched").get_to(state.is_matched);
    state.demands = demands_of(json.at("demands"));
    json.at("verified_since").get_to(state.verified_since);
    auto record = measure::record_from_json(json.at("record"));
    if (!record) return wrong(record.error().message);
    state.record = std::move(*record);
    if (state.arms.size() < 2 || state.control >= state.arms.size() || state.record.arms() != state.arms.size())
      return wrong("its arms, its control and its record do not fit together");
    for (const auto& [candidate, value] : json.at("comparisons").items()) {
      auto tally = comparison::Tally::from_json(value.dump());
      if (!tally) return wrong(tally.error().message);
      state.comparisons[candidate] = std::move(*tally);
    }
    state.rules = json.value("rules", "");  // states of older versions have neither
    state.answers_since = json.value("answers_since", std::uint32_t{0});
    for (const auto& event : json.at("events")) state.events.push_back({event.at("unix_ms"), event.at("text")});
    std::sort(state.events.begin(), state.events.end());
    for (const auto& one : json.value("guardrails", Json::array()))  // states of older versions have none
      state.guardrails.push_back({one.at("metric"), one.at("margin"), one.at("action")});
    if (const auto forgotten = json.find("forgotten"); forgotten != json.end())
      state.forgotten = {forgotten->at("epochs"), forgotten->at("candidate_requests"), forgotten->at("events")};
    json.at("drift").get_to(state.drift);
    return state;
  } catch (const Json::exception& error) {
    return wrong(error.what());
  }
}

}  // namespace tandem::report
