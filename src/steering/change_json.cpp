#include "steering/change_json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "base/timestamp.hpp"

namespace tandem::steering {

namespace {

using experiment::Settings;

Error bad_body(const std::string& message) { return {"experiment.bad_body", message}; }
Error bad_weights(const std::string& message) { return {"experiment.bad_weights", message}; }

std::string in_quotes(const std::string& text) { return "\"" + text + "\""; }

std::optional<std::size_t> find_arm(const Settings& settings, const std::string& name) {
  for (std::size_t i = 0; i < settings.arms.size(); ++i)
    if (settings.arms[i].name == name) return i;
  return std::nullopt;
}

Error no_arm(const Settings& settings, const std::string& name) {
  std::string known;
  for (const auto& arm : settings.arms) known += (known.empty() ? "" : ", ") + arm.name;
  return bad_weights("there is no arm " + in_quotes(name) + "; there are " + known);
}

// Shares of all arms, in any measure.
Result<std::vector<unsigned>> parse_shares(const Settings& settings, const Json& object) {
  if (!object.is_object()) return bad_body("\"weights\" is an object of arms and their shares");
  std::vector<double> shares(settings.arms.size());
  for (const auto& [name, value] : object.items()) {
    const auto arm = find_arm(settings, name);
    if (!arm) return no_arm(settings, name);
    if (!value.is_number() || !(value.get<double>() >= 0) || !std::isfinite(value.get<double>()))
      return bad_weights("the weight of " + in_quotes(name) + " is a number from 0 up");
    shares[*arm] = value.get<double>();
  }
  for (const auto& arm : settings.arms)
    if (!object.contains(arm.name))
      return bad_weights("\"weights\" are shares of a sum: " + in_quotes(arm.name) +
                         " has none; \"weights_bp\" may leave arms out");
  if (std::all_of(shares.begin(), shares.end(), [](double share) { return share == 0; }))
    return bad_weights("one arm at least has a weight above 0");
  return experiment::basis_points(shares);
}

// Basis points: arms that are left out keep theirs, and control has what is left.
Result<std::vector<unsigned>> parse_basis_points(const Settings& settings, const Life& life, const Json& object) {
  if (!object.is_object()) return bad_body("\"weights_bp\" is an object of arms and basis points");
  auto weights = life.weights_bp;
  for (const auto& [name, value] : object.items()) {
    const auto arm = find_arm(settings, name);
    if (!arm) return no_arm(settings, name);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > experiment::kBuckets)
      return bad_weights("the weight of " + in_quotes(name) + " is a whole number of basis points from 0 to 10000");
    weights[*arm] = value.get<unsigned>();
  }
  const auto control = control_of(settings);
  if (!object.contains(settings.control)) {
    unsigned candidates = 0;
    for (std::size_t i = 0; i < weights.size(); ++i)
      if (i != control) candidates += weights[i];
    if (candidates > experiment::kBuckets) return bad_weights("the candidates have more than 10000 basis points together");
    weights[control] = experiment::kBuckets - candidates;
  }
  return weights;
}

Result<std::vector<experiment::Range>> parse_ranges(const Settings& settings, const Json& array) {
  const auto wrong = bad_body("\"ranges\" is a list of {\"arm\", \"first\", \"last\"}, buckets from 0 to 9999");
  if (!array.is_array() || array.empty()) return wrong;
  std::vector<experiment::Range> ranges;
  for (const auto& one : array) {
    if (!one.is_object() || one.size() != 3 || !one.contains("arm") || !one["arm"].is_string()) return wrong;
    experiment::Range range;
    const auto arm = find_arm(settings, one["arm"].get<std::string>());
    if (!arm) return no_arm(settings, one["arm"].get<std::string>());
    range.arm = static_cast<std::uint8_t>(*arm);
    for (const auto& [key, target] : {std::pair("first", &range.first), std::pair("last", &range.last)}) {
      if (!one.contains(key) || !one[key].is_number_unsigned() || one[key].get<std::uint64_t>() >= experiment::kBuckets)
        return wrong;
      *target = one[key].get<std::uint16_t>();
    }
    ranges.push_back(range);
  }
  return ranges;
}

// The keys that a body may have beside "reason".
std::vector<std::string_view> keys_of(std::string_view action) {
  if (action == "put") return {"weights", "weights_bp", "ranges"};
  if (action == "weights") return {"weights", "weights_bp"};
  if (action == "conclude") return {"arm"};
  return {};
}

Result<void> check_keys(const Json& document, std::string_view action) {
  const auto known = keys_of(action);
  for (const auto& [key, value] : document.items())
    if (key != "reason" && std::find(known.begin(), known.end(), key) == known.end())
      return bad_body("\"" + std::string(action) + "\" knows no key " + in_quotes(key));
  return {};
}

Result<void> parse_new_weights(const Settings& settings, const Life& life, const Json& document, Change& change) {
  const auto said = document.count("weights") + document.count("weights_bp") + document.count("ranges");
  if (said != 1) return bad_body("say one of \"weights\" and \"weights_bp\" (or, with PUT, \"ranges\")");
  if (document.contains("ranges")) {
    auto ranges = parse_ranges(settings, document["ranges"]);
    if (!ranges) return ranges.error();
    change.ranges = std::move(*ranges);
    return {};
  }
  auto weights = document.contains("weights") ? parse_shares(settings, document["weights"])
                                              : parse_basis_points(settings, life, document["weights_bp"]);
  if (!weights) return weights.error();
  change.weights_bp = std::move(*weights);
  return {};
}

std::vector<std::string> warnings_of(const Settings& settings, const Life& before, const Life& after) {
  std::vector<std::string> warnings;
  const auto old_weights = effective_weights(settings, before);
  const auto new_weights = effective_weights(settings, after);
  const auto control = control_of(settings);
  if (after.epoch != before.epoch)
    warnings.emplace_back("a new epoch begins: what was measured before is not pooled with what comes");
  for (std::size_t i = 0; i < new_weights.size(); ++i) {
    const auto& name = settings.arms[i].name;
    if (i != control && new_weights[i] > 1000 && new_weights[i] > 10 * old_weights[i])
      warnings.push_back(name + " gets more than ten times the traffic that it has now");
    if (i != control && new_weights[i] > 0 && new_weights[i] < 100 && after.state == experiment::State::running)
      warnings.push_back(name + " gets less than 1 % of the keys: differences take long to see");
  }
  if (new_weights[control] == 0)
    warnings.push_back("control (" + settings.control + ") gets nothing: there is nothing to compare with");
  if (!after.ranges.empty()) warnings.emplace_back("explicit ranges: other replicas need the same");
  if (before.held.empty() && !after.held.empty()) warnings.push_back("the schedule stands still: " + after.held);
  return warnings;
}

}  // namespace

Result<Change> parse_change(const Settings& settings, const Life& life, std::string_view action, std::string_view body) {
  const auto document = Json::parse(body.empty() ? "{}" : body, nullptr, false);
  if (!document.is_object()) return bad_body("the body is no JSON object");
  if (auto checked = check_keys(document, action); !checked) return checked.error();
  Change change;
  change.action = action == "put" ? Action::weights : parse_action(action).value_or(Action::hold);
  if (document.contains("reason")) {
    if (!document["reason"].is_string()) return bad_body("\"reason\" is a text");
    change.reason = document["reason"].get<std::string>();
  }
  if (change.action == Action::weights)
    if (auto parsed = parse_new_weights(settings, life, document, change); !parsed) return parsed.error();
  if (document.contains("arm")) {
    if (!document["arm"].is_string()) return bad_body("\"arm\" is a name");
    change.arm = find_arm(settings, document["arm"].get<std::string>());
    if (!change.arm) return no_arm(settings, document["arm"].get<std::string>());
  }
  return change;
}

Result<std::optional<std::uint64_t>> parse_if_match(std::string_view field) {
  if (field.empty() || field == "*") return std::optional<std::uint64_t>();
  std::uint64_t revision = 0;
  const auto digits = field.size() < 3 ? std::string_view() : field.substr(1, field.size() - 2);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), revision);
  if (field.front() != '"' || field.back() != '"' || digits.empty() || error != std::errc() ||
      end != digits.data() + digits.size())
    return bad_body("If-Match is the ETag of the experiment, such as \"7\" with its quotes, or *");
  return std::optional<std::uint64_t>(revision);
}

Json arms_json(const Settings& settings, const Life& life) {
  const auto layout = layout_of(settings, life);
  const auto traffic = effective_weights(settings, life);
  auto arms = Json::array();
  for (std::size_t i = 0; i < settings.arms.size(); ++i)
    arms.push_back({{"name", settings.arms[i].name},
                    {"is_control", settings.arms[i].name == settings.control},
                    {"weight_bp", life.weights_bp[i]},
                    {"traffic_bp", traffic[i]},
                    {"buckets", experiment::describe_buckets(*layout, i)}});
  return arms;
}

Json preview_json(const Settings& settings, const Life& before, const Life& after) {
  const auto old_layout = layout_of(settings, before);
  const auto new_layout = layout_of(settings, after);
  std::map<std::pair<unsigned, unsigned>, unsigned> moves;
  for (unsigned bucket = 0; bucket < experiment::kBuckets; ++bucket)
    if (old_layout->owner[bucket] != new_layout->owner[bucket])
      ++moves[{old_layout->owner[bucket], new_layout->owner[bucket]}];
  auto moved = Json::array();
  for (const auto& [way, buckets] : moves)
    moved.push_back({{"from", settings.arms[way.first].name}, {"to", settings.arms[way.second].name}, {"buckets", buckets}});
  return {{"dry_run", true},
          {"revision", before.revision},
          {"state", experiment::format_state(after.state)},
          {"arms", arms_json(settings, after)},
          {"moved", moved},
          {"new_epoch", after.epoch != before.epoch},
          {"warnings", warnings_of(settings, before, after)}};
}

Json schedule_json(const Settings& settings, const Life& life, const std::string& waiting_for) {
  if (!life.ramp) return nullptr;
  auto steps = Json::array();
  for (const auto& step : settings.schedule) {
    auto require = Json::object();
    for (const auto& one : step.require) require[one.metric] = one.equivalent ? "equivalent" : "not_worse";
    steps.push_back({{"weight_bp", step.weight_bp},
                     {"min_time_seconds", static_cast<double>(step.min_time.count()) / 1000},
                     {"min_requests", step.min_requests},
                     {"min_windows", step.min_windows},
                     {"gate", step.manual ? "manual" : "auto"},
                     {"require", require}});
  }
  Json document{{"steps", steps},
                {"taken", life.ramp->taken},
                {"began", format_timestamp(life.ramp->began)},
                {"approved", life.ramp->approved},
                {"held", life.held},
                {"waiting_for", waiting_for}};
  if (settings.not_after) document["not_after"] = format_timestamp(*settings.not_after);
  return document;
}

}  // namespace tandem::steering
