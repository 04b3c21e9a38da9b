#include "steering/saved_life.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/hmac.hpp"
#include "base/timestamp.hpp"

namespace tandem::steering {

namespace {

using experiment::Settings;

constexpr int kSchema = 1;

Json weights_json(const std::vector<experiment::ArmShare>& arms, const std::vector<unsigned>& weights_bp) {
  auto weights = Json::object();
  for (std::size_t i = 0; i < arms.size(); ++i) weights[arms[i].name] = weights_bp[i];
  return weights;
}

// Whatever is in a schedule, in one text.
std::string schedule_hash(const Settings& settings) {
  auto text = Json::array();
  for (const auto& step : settings.schedule) {
    auto require = Json::array();
    for (const auto& one : step.require) require.push_back({one.metric, one.equivalent});
    text.push_back({step.weight_bp, step.min_time.count(), step.min_requests, step.min_windows, step.manual, require});
  }
  if (settings.not_after) text.push_back(format_timestamp(*settings.not_after));
  return format_digest(sha256(text.dump()));
}

WallTime time_of(const Json& object, const char* key) {
  const auto time = parse_timestamp(object.at(key).get<std::string>());
  if (!time) throw std::invalid_argument(std::string(key) + " is no time");
  return *time;
}

Ramp parse_ramp(const Json& object) {
  Ramp ramp;
  ramp.taken = object.at("taken").get<std::size_t>();
  ramp.began = time_of(object, "began");
  ramp.approved = object.at("approved").get<bool>();
  ramp.requests_before = object.at("requests_before").get<std::uint64_t>();
  return ramp;
}

experiment::Range parse_range(const Json& range, const std::vector<experiment::ArmShare>& arms) {
  const auto name = range.at("arm").get<std::string>();
  const auto arm = std::find_if(arms.begin(), arms.end(), [&](const auto& one) { return one.name == name; });
  const auto first = range.at("first").get<unsigned>();
  const auto last = range.at("last").get<unsigned>();
  if (arm == arms.end() || first > last || last >= experiment::kBuckets) throw std::invalid_argument("a range is none");
  return {static_cast<std::uint8_t>(arm - arms.begin()), static_cast<std::uint16_t>(first),
          static_cast<std::uint16_t>(last)};
}

SavedLife parse(const Json& document) {
  if (document.at("schema") != kSchema)
    throw std::invalid_argument("schema " + document.at("schema").dump() + " is not known");
  SavedLife saved;
  auto& life = saved.life;
  life.revision = document.at("revision").get<std::uint64_t>();
  life.epoch = document.at("epoch").get<std::uint32_t>();
  life.judged_from = document.at("judged_from").get<std::uint32_t>();
  const auto state = parse_state(document.at("state").get<std::string>());
  if (!state) throw std::invalid_argument("there is no state " + document.at("state").dump());
  life.state = *state;
  if (const auto& ramp = document.at("schedule"); !ramp.is_null()) life.ramp = parse_ramp(ramp);
  life.held = document.at("held").get<std::string>();
  life.updated_by = document.at("updated_by").get<std::string>();
  life.reason = document.at("reason").get<std::string>();
  life.updated_at = time_of(document, "updated_at");
  // Files of older versions have neither.
  life.shares_since = document.contains("shares_since") ? time_of(document, "shares_since") : life.updated_at;
  life.shares_number = document.value("shares_number", std::uint32_t{1});

  const auto& file = document.at("file");
  for (const auto& [name, weight] : file.at("arms").items()) saved.arms.push_back({name, weight.get<unsigned>()});
  saved.control = file.at("control").get<std::string>();
  saved.salt = file.at("salt").get<std::string>();
  saved.schedule = file.at("schedule").get<std::string>();
  for (const auto& range : document.at("ranges")) life.ranges.push_back(parse_range(range, saved.arms));
  const auto& weights = document.at("weights_bp");
  for (const auto& arm : saved.arms) life.weights_bp.push_back(weights.at(arm.name).get<unsigned>());
  if (std::accumulate(life.weights_bp.begin(), life.weights_bp.end(), 0ul) != experiment::kBuckets)
    throw std::invalid_argument("the weights are not 10000 together");
  return saved;
}

bool has_same_shares(const Settings& settings, const SavedLife& saved) {
  return std::equal(settings.arms.begin(), settings.arms.end(), saved.arms.begin(), saved.arms.end(),
                    [](const auto& a, const auto& b) { return a.name == b.name && a.weight_bp == b.weight_bp; });
}

}  // namespace

SavedLife save_life(const Settings& settings, Life life) {
  return {std::move(life), settings.arms, settings.control, settings.salt, schedule_hash(settings)};
}

Json life_json(const Settings& settings, const Life& life) {
  Json document{{"revision", life.revision},
                {"epoch", life.epoch},
                {"judged_from", life.judged_from},
                {"state", experiment::format_state(life.state)},
                {"weights_bp", weights_json(settings.arms, life.weights_bp)},
                {"ranges", Json::array()},
                {"schedule", nullptr},
                {"held", life.held},
                {"shares_since", format_timestamp(life.shares_since)},
                {"shares_number", life.shares_number},
                {"updated_by", life.updated_by},
                {"reason", life.reason},
                {"updated_at", format_timestamp(life.updated_at)}};
  for (const auto& range : life.ranges)
    document["ranges"].push_back({{"arm", settings.arms[range.arm].name}, {"first", range.first}, {"last", range.last}});
  if (life.ramp)
    document["schedule"] = {{"taken", life.ramp->taken},
                            {"began", format_timestamp(life.ramp->began)},
                            {"approved", life.ramp->approved},
                            {"requests_before", life.ramp->requests_before}};
  return document;
}

Json saved_life_json(const Settings& settings, const SavedLife& saved) {
  Json document{{"schema", kSchema}, {"id", settings.id}, {"route", settings.route}};
  document.update(life_json(settings, saved.life));
  auto arms = Json::object();
  for (const auto& arm : saved.arms) arms[arm.name] = arm.weight_bp;
  document["file"] = {{"arms", arms}, {"control", saved.control}, {"salt", saved.salt}, {"schedule", saved.schedule}};
  return document;
}

Result<SavedLife> parse_saved_life(std::string_view text) {
  try {
    return parse(Json::parse(text));
  } catch (const std::exception& error) {
    return Error("state.not_read", error.what());
  }
}

std::string rules_hash(const comparison::Settings& rules) {
  auto keys = Json::array(), masks = Json::array(), replacements = Json::array();
  for (const auto& [path, field] : rules.key) keys.push_back({path, field});
  for (const auto& mask : rules.mask) masks.push_back({mask.path, mask.pattern});
  for (const auto& one : rules.replace) replacements.push_back({one.pattern, one.with});
  const auto text =
      Json::array({rules.by_class, rules.headers, rules.ignore, rules.unordered, keys, masks, rules.absolute, rules.relative,
                   rules.null_is_missing, rules.extra_ok, static_cast<int>(rules.text), replacements});
  return format_digest(sha256(text.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

bool is_same_experiment(const Settings& settings, const SavedLife& saved) {
  return settings.salt == saved.salt && settings.control == saved.control &&
         std::equal(settings.arms.begin(), settings.arms.end(), saved.arms.begin(), saved.arms.end(),
                    [](const auto& a, const auto& b) { return a.name == b.name; });
}

Adoption adoption_of(const Settings& settings, const std::optional<SavedLife>& saved, WallTime now, std::uint64_t requests) {
  if (!saved) return {begin_life(settings, now), true, ""};
  if (!is_same_experiment(settings, *saved) || !has_same_shares(settings, *saved)) {
    Adoption adoption{apply_new_arms(settings, saved->life, now), true, ""};
    adoption.note = "its arms in the config have changed since they were last read: the config's weights count (" +
                    describe_weights(settings, effective_weights(settings, adoption.life)) + "), not the saved ones";
    return adoption;
  }
  if (saved->schedule != schedule_hash(settings))
    return {apply_new_schedule(settings, saved->life, now, requests), true,
            "its schedule in the config has changed; the weights stay (" +
                describe_weights(settings, effective_weights(settings, saved->life)) + ")"};
  Adoption adoption{saved->life, false, ""};
  const auto weights = effective_weights(settings, saved->life);
  std::vector<unsigned> in_file;
  for (const auto& arm : settings.arms) in_file.push_back(arm.weight_bp);
  if (weights != in_file)
    adoption.note = "the saved weights count (" + describe_weights(settings, weights) + ", " +
                    std::string(experiment::format_state(saved->life.state)) + " since revision " +
                    std::to_string(saved->life.revision) + "), not the config's (" + describe_weights(settings, in_file) +
                    ")";
  return adoption;
}

Adoption adopt_unreadable(const Settings& settings, WallTime now) {
  Adoption adoption{begin_life(settings, now), true, ""};
  adoption.life.state = experiment::State::paused;
  adoption.life.reason = "its saved state can't be read: control serves until somebody resumes it";
  adoption.note = adoption.life.reason;
  return adoption;
}

Json merge_patch(const Json& before, const Json& after) {
  auto patch = Json::object();
  for (const auto& [key, value] : after.items()) {
    if (!before.contains(key)) {
      patch[key] = value;
    } else if (before[key].is_object() && value.is_object()) {
      if (auto inner = merge_patch(before[key], value); !inner.empty()) patch[key] = std::move(inner);
    } else if (before[key] != value) {
      patch[key] = value;
    }
  }
  for (const auto& [key, value] : before.items())
    if (!after.contains(key)) patch[key] = nullptr;
  return patch;
}

}  // namespace tandem::steering
