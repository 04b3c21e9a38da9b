#include "steering/life.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tandem::steering {

namespace {

using experiment::Settings;
using experiment::State;

constexpr std::pair<Action, std::string_view> kActions[] = {
    {Action::start, "start"},       {Action::pause, "pause"},       {Action::resume, "resume"},
    {Action::rollback, "rollback"}, {Action::conclude, "conclude"}, {Action::advance, "advance"},
    {Action::approve, "approve"},   {Action::weights, "weights"},   {Action::hold, "hold"},
};
constexpr State kStates[] = {State::draft, State::running, State::paused, State::rolled_back, State::concluded};

experiment::LayoutOrder order_of(const Settings& settings, const Life& life) {
  return {life.weights_bp, life.ranges, control_of(settings), settings.analysis, life.state};
}

std::vector<bool> has_turns(const Life& life) {
  std::vector<bool> turns;
  for (const auto weight : life.weights_bp) turns.push_back(weight > 0);
  return turns;
}

// May the statistics be pooled over the change? Asked of what both would be while it runs: a pause changes nothing of it.
bool pools_over(const Settings& settings, Life before, Life after) {
  if (settings.assign == experiment::Assign::switchback) return has_turns(before) == has_turns(after);
  before.state = after.state = State::running;
  const auto old_layout = experiment::make_layout(order_of(settings, before), nullptr);
  return experiment::make_layout(order_of(settings, after), old_layout.get())->epoch == old_layout->epoch;
}

Error wrong_state(const Life& life, Action action, const std::string& why) {
  return {"experiment.wrong_state", "it is " + std::string(experiment::format_state(life.state)) + ": \"" +
                                        std::string(format_action(action)) + "\" " + why};
}

Result<void> check_weights(const Settings& settings, const std::vector<unsigned>& weights_bp) {
  if (weights_bp.size() != settings.arms.size() ||
      std::accumulate(weights_bp.begin(), weights_bp.end(), 0ul) != experiment::kBuckets)
    return Error("experiment.bad_weights", "the weights of all arms are 10000 basis points together");
  return {};
}

Result<void> check_ranges(const Settings& settings, const std::vector<experiment::Range>& ranges) {
  std::vector<bool> taken(experiment::kBuckets);
  for (const auto& range : ranges) {
    if (range.arm >= settings.arms.size() || range.first > range.last || range.last >= experiment::kBuckets)
      return Error("experiment.bad_weights", "a range is of an arm's buckets, from 0 to 9999");
    for (unsigned bucket = range.first; bucket <= range.last; ++bucket) {
      if (taken[bucket]) return Error("experiment.bad_weights", "bucket " + std::to_string(bucket) + " is in two ranges");
      taken[bucket] = true;
    }
  }
  return {};
}

void set_weights(const Settings& settings, Life& life, std::vector<unsigned> weights_bp,
                 std::vector<experiment::Range> ranges = {}) {
  const Life before = life;
  life.ranges = std::move(ranges);
  life.weights_bp = std::move(weights_bp);
  if (!life.ranges.empty()) {
    auto order = order_of(settings, life);
    order.state = State::running;
    life.weights_bp = experiment::make_layout(order, nullptr)->weights_bp;
  }
  if (!pools_over(settings, before, life)) ++life.epoch;
}

void take_step(const Settings& settings, Life& life, WallTime began, std::uint64_t requests) {
  life.ramp->began = began;
  life.ramp->requests_before = requests;
  life.ramp->approved = false;
  set_weights(settings, life, spread(settings, settings.schedule[life.ramp->taken++].weight_bp));
}

// From the first step, or before it if that waits for an approval.
void begin_ramp(const Settings& settings, Life& life, WallTime now, std::uint64_t requests) {
  life.ramp.reset();
  life.held.clear();
  if (settings.schedule.empty()) return;
  life.ramp.emplace();
  life.ramp->began = now;
  if (settings.schedule.front().manual)
    set_weights(settings, life, control_only(settings));
  else
    take_step(settings, life, now, requests);
}

bool has_conditions(const experiment::ScheduleStep& step) {
  return step.manual || step.min_requests != 0 || step.min_windows != 0 || !step.require.empty();
}

// A step that comes late because nobody was there to take it counts from when it was due, but only where time is all that
// the schedule asks for: then the steps that are overdue follow at once.
WallTime beginning_of_next(const Settings& settings, const Ramp& ramp, const Change& change, WallTime now) {
  const bool time_only = std::none_of(settings.schedule.begin(), settings.schedule.end(), has_conditions);
  if (change.actor != kScheduleActor || !time_only || ramp.taken == 0) return now;
  return std::min(now, ramp.began + settings.schedule[ramp.taken - 1].min_time);
}

Result<void> start(const Settings& settings, Life& life, const Change& change, WallTime now) {
  if (life.state != State::draft && life.state != State::rolled_back)
    return wrong_state(life, change.action, "is for one that is a draft or rolled back");
  // What led to a rollback must not lead to the next one at once.
  if (life.state == State::rolled_back) life.judged_from = ++life.epoch;
  life.state = State::running;
  begin_ramp(settings, life, now, change.requests);
  return {};
}

Result<void> resume(Life& life, const Change& change, WallTime now) {
  if (life.state == State::running && !life.held.empty()) {
    life.held.clear();
  } else if (life.state == State::paused) {
    life.state = State::running;
    life.held.clear();
  } else if (life.state == State::rolled_back) {
    life.state = State::running;
    life.judged_from = ++life.epoch;
    if (life.ramp && life.held.empty()) life.held = "it was rolled back: \"start\" begins the schedule again";
  } else {
    return wrong_state(life, change.action, "is for one that is paused, held or rolled back");
  }
  if (life.ramp) {
    life.ramp->began = now;
    life.ramp->requests_before = change.requests;
  }
  return {};
}

Result<void> conclude(const Settings& settings, Life& life, const Change& change) {
  if (life.state == State::concluded) return wrong_state(life, change.action, "has been said already");
  auto weights = effective_weights(settings, life);
  if (change.arm) {
    weights.assign(settings.arms.size(), 0);
    weights[*change.arm] = experiment::kBuckets;
  }
  life.state = State::concluded;
  life.held.clear();
  set_weights(settings, life, std::move(weights));
  return {};
}

Result<void> advance(const Settings& settings, Life& life, const Change& change, WallTime now) {
  if (life.state != State::running) return wrong_state(life, change.action, "is for one that is running");
  if (!life.ramp) return wrong_state(life, change.action, "needs a schedule, and it has none");
  if (life.ramp->taken >= settings.schedule.size()) return wrong_state(life, change.action, "has no step left to take");
  life.held.clear();
  take_step(settings, life, beginning_of_next(settings, *life.ramp, change, now), change.requests);
  return {};
}

Result<void> approve(const Settings& settings, Life& life, const Change& change) {
  if (life.state != State::running) return wrong_state(life, change.action, "is for one that is running");
  if (!life.ramp || life.ramp->taken >= settings.schedule.size() || !settings.schedule[life.ramp->taken].manual)
    return wrong_state(life, change.action, "is for a schedule whose next step waits for it");
  if (life.ramp->approved) return wrong_state(life, change.action, "has been said already");
  life.ramp->approved = true;
  return {};
}

Result<void> change_weights(const Settings& settings, Life& life, const Change& change) {
  if (life.state == State::rolled_back)
    return wrong_state(life, change.action, "needs \"resume\" or \"start\" first, with a reason");
  if (change.ranges.empty()) {
    if (auto checked = check_weights(settings, change.weights_bp); !checked) return checked;
    set_weights(settings, life, change.weights_bp);
  } else {
    if (auto checked = check_ranges(settings, change.ranges); !checked) return checked;
    set_weights(settings, life, life.weights_bp, change.ranges);
  }
  if (life.ramp && life.ramp->taken < settings.schedule.size())
    life.held = "weights were set by hand: \"resume\" lets the schedule go on";
  return {};
}

Result<void> apply_action(const Settings& settings, Life& life, const Change& change, WallTime now) {
  switch (change.action) {
    case Action::start:
      return start(settings, life, change, now);
    case Action::pause:
      if (life.state != State::running) return wrong_state(life, change.action, "is for one that is running");
      life.state = State::paused;
      return {};
    case Action::resume:
      return resume(life, change, now);
    case Action::rollback:
      if (life.state == State::rolled_back) return wrong_state(life, change.action, "has happened already");
      life.state = State::rolled_back;
      life.held.clear();
      set_weights(settings, life, control_only(settings));
      return {};
    case Action::conclude:
      return conclude(settings, life, change);
    case Action::advance:
      return advance(settings, life, change, now);
    case Action::approve:
      return approve(settings, life, change);
    case Action::weights:
      return change_weights(settings, life, change);
    case Action::hold:
      if (life.state != State::running || !life.ramp || life.ramp->taken >= settings.schedule.size())
        return wrong_state(life, change.action, "is for one whose schedule runs");
      life.held = change.reason;
      return {};
  }
  return {};
}

}  // namespace

std::string_view format_action(Action action) {
  for (const auto& [one, word] : kActions)
    if (one == action) return word;
  return "";
}

std::optional<Action> parse_action(std::string_view word) {
  for (const auto& [action, name] : kActions)
    if (name == word) return action;
  return std::nullopt;
}

std::optional<State> parse_state(std::string_view word) {
  for (const auto state : kStates)
    if (experiment::format_state(state) == word) return state;
  return std::nullopt;
}

std::size_t control_of(const Settings& settings) {
  const auto at = std::find_if(settings.arms.begin(), settings.arms.end(),
                               [&](const experiment::ArmShare& arm) { return arm.name == settings.control; });
  return static_cast<std::size_t>(at - settings.arms.begin());
}

std::vector<unsigned> control_only(const Settings& settings) {
  std::vector<unsigned> weights(settings.arms.size(), 0);
  weights[control_of(settings)] = experiment::kBuckets;
  return weights;
}

std::int64_t round_seconds(const Settings& settings, const Life& life) {
  if (settings.assign != experiment::Assign::switchback) return 0;
  const auto arms =
      std::count_if(life.weights_bp.begin(), life.weights_bp.end(), [](unsigned weight) { return weight > 0; });
  return std::chrono::duration_cast<std::chrono::seconds>(settings.block).count() * std::max<std::int64_t>(arms, 1);
}

std::shared_ptr<experiment::Layout> layout_of(const Settings& settings, const Life& life) {
  auto layout = experiment::make_layout(order_of(settings, life), nullptr);
  layout->revision = life.revision;
  layout->epoch = life.epoch;
  return layout;
}

std::vector<unsigned> spread(const Settings& settings, unsigned weight_bp) {
  const auto control = control_of(settings);
  std::vector<double> shares;
  for (const auto& arm : settings.arms) shares.push_back(arm.weight_bp);
  shares[control] = 0;
  double candidates = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (candidates == 0)
    for (std::size_t i = 0; i < shares.size(); ++i) candidates += shares[i] = i == control ? 0 : 1;
  for (auto& share : shares) share *= weight_bp / candidates;
  shares[control] = experiment::kBuckets - weight_bp;
  return experiment::basis_points(shares);
}

std::vector<unsigned> effective_weights(const Settings& settings, const Life& life) {
  return life.state == State::running || life.state == State::concluded ? life.weights_bp : control_only(settings);
}

bool raises_candidate(const Settings& settings, const Life& before, const Life& after) {
  const auto old_weights = effective_weights(settings, before);
  const auto new_weights = effective_weights(settings, after);
  const auto control = control_of(settings);
  for (std::size_t i = 0; i < new_weights.size(); ++i)
    if (i != control && new_weights[i] > (i < old_weights.size() ? old_weights[i] : 0)) return true;
  return false;
}

Life begin_life(const Settings& settings, WallTime now) {
  Life life;
  life.state = settings.start ? State::running : State::draft;
  life.updated_by = kFileActor;
  life.reason = "first seen in the config";
  life.updated_at = life.shares_since = now;
  for (const auto& arm : settings.arms) life.weights_bp.push_back(arm.weight_bp);
  if (settings.start) begin_ramp(settings, life, now, 0);
  life.epoch = 1;
  return life;
}

Result<Life> apply(const Settings& settings, const Life& life, const Change& change, WallTime now) {
  if (change.if_revision && *change.if_revision != life.revision)
    return Error("experiment.conflict", "it is at revision " + std::to_string(life.revision) + ", not " +
                                            std::to_string(*change.if_revision) + ": somebody changed it meanwhile");
  if (change.reason.find_first_not_of(" \t\r\n") == std::string::npos)
    return Error("experiment.no_reason", "every change needs a reason: it is what the audit log is for");
  Life next = life;
  if (auto applied = apply_action(settings, next, change, now); !applied) return applied.error();
  ++next.revision;
  next.updated_by = change.actor;
  next.reason = change.reason;
  next.updated_at = now;
  if (next.judged_from != life.judged_from) {
    next.shares_number = 1;
    next.shares_since = now;
  } else if (next.weights_bp != life.weights_bp || next.ranges != life.ranges) {
    ++next.shares_number;
    next.shares_since = now;
  }
  return next;
}

Life apply_new_arms(const Settings& settings, const Life& life, WallTime now) {
  Life next;
  next.revision = life.revision + 1;
  next.state = life.state;
  next.updated_by = kFileActor;
  next.reason = "the arms in the config have changed";
  next.updated_at = next.shares_since = now;
  for (const auto& arm : settings.arms) next.weights_bp.push_back(arm.weight_bp);
  if (life.state == State::running || life.state == State::paused) begin_ramp(settings, next, now, 0);
  if (life.state == State::rolled_back) next.weights_bp = control_only(settings);
  next.epoch = next.judged_from = life.epoch + 1;
  return next;
}

Life apply_new_schedule(const Settings& settings, const Life& life, WallTime now, std::uint64_t requests) {
  Life next = life;
  ++next.revision;
  next.updated_by = kFileActor;
  next.reason = "the schedule in the config has changed";
  next.updated_at = now;
  next.ramp.reset();
  next.held.clear();
  if (settings.schedule.empty() || life.state == State::draft || life.state == State::concluded) return next;
  const auto control = control_of(settings);
  const auto reached = experiment::kBuckets - life.weights_bp[control];
  Ramp ramp;
  while (ramp.taken < settings.schedule.size() && settings.schedule[ramp.taken].weight_bp <= reached) ++ramp.taken;
  ramp.began = now;
  ramp.requests_before = requests;
  next.ramp = ramp;
  return next;
}

std::string describe_weights(const Settings& settings, const std::vector<unsigned>& weights_bp) {
  std::string text;
  for (std::size_t i = 0; i < settings.arms.size() && i < weights_bp.size(); ++i) {
    auto percent = std::to_string(weights_bp[i] / 100);
    if (const unsigned rest = weights_bp[i] % 100; rest != 0) {
      percent += rest < 10 ? ".0" : ".";
      percent += std::to_string(rest % 10 == 0 ? rest / 10 : rest);
    }
    text += (i == 0 ? "" : ", ") + settings.arms[i].name + " " + percent + " %";
  }
  return text;
}

}  // namespace tandem::steering
