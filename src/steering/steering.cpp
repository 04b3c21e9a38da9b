#include "steering/steering.hpp"

#include <algorithm>
#include <future>
#include <numeric>
#include <utility>

#include "base/log.hpp"
#include "base/thread.hpp"
#include "base/timestamp.hpp"
#include "http/problem.hpp"
#include "steering/facts.hpp"

namespace tandem::steering {

namespace {

using namespace std::chrono_literals;
using experiment::Settings;
using experiment::State;

constexpr std::string_view kLifeFile = ".json";
constexpr std::string_view kStateFile = ".state.json";
constexpr Milliseconds kPatience{500};  // with an I/O thread that is busy
constexpr unsigned kTicksToSave = 10;
constexpr std::size_t kMaxUnwritten = 100;

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

// A judgement names its guardrail by its place among them.
bool has_same_guardrails(const Settings& one, const Settings& other) {
  return std::equal(one.guardrails.begin(), one.guardrails.end(), other.guardrails.begin(), other.guardrails.end(),
                    [](const auto& a, const auto& b) {
                      return a.metric == b.metric && a.quantile == b.quantile && a.margin == b.margin &&
                             a.action == b.action && a.alpha == b.alpha;
                    });
}

// Is what the epoch has counted of rounds of another length? Windows of theirs don't hold one block of each arm.
bool has_other_rounds(const Settings& settings, const Life& life, const measure::Record& record) {
  const auto epoch = record.epochs().find(life.epoch);
  auto seconds = round_seconds(settings, life);
  if (seconds == 0 || epoch == record.epochs().end() || epoch->second.windows.empty()) return false;
  while (seconds < epoch->second.window_seconds) seconds *= 2;  // as windows that have become too many
  return seconds != epoch->second.window_seconds;
}

void begin_epoch(Adoption& adoption, WallTime now) {
  auto& life = adoption.life;
  ++life.epoch;
  ++life.shares_number;
  life.shares_since = now;
  if (std::exchange(adoption.is_changed, true)) return;
  ++life.revision;
  life.updated_by = kFileActor;
  life.reason = "the rounds of the switchback in the config have changed";
  life.updated_at = now;
}

std::string message_of(const AuditEntry& entry, const Life& life, bool persisted) {
  Json document{{"at", format_timestamp(entry.at)},
                {"experiment", entry.experiment},
                {"action", entry.action},
                {"actor", entry.actor},
                {"reason", entry.reason},
                {"revision", life.revision},
                {"state", experiment::format_state(life.state)},
                {"patch", entry.patch},
                {"persisted", persisted}};
  if (!entry.evidence.is_null()) document["evidence"] = entry.evidence;
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Steering::Steering(std::string state_dir, std::vector<Loop*> loops, const Clock& clock, Fault fault)
    : state_dir_(std::move(state_dir)),
      fault_(std::move(fault)),
      loops_(std::move(loops)),
      clock_(clock),
      collector_(loops_, clock) {}

Steering::~Steering() { stop(); }

void Steering::start() {
  thread_ = start_thread("tandem-steer", [this] { run(); });
}

void Steering::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  thread_.join();
  webhook_.stop();
}

void Steering::post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  work_.push_back(std::move(work));
  changed_.notify_one();
}

template <class T>
T Steering::wait_for(std::function<T()> work) {
  std::promise<T> promise;
  post([&] {
    try {
      promise.set_value(work());
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  });
  return promise.get_future().get();
}

void Steering::run() {
  auto next_tick = clock_.now() + 1s;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_until(lock, next_tick, [this] { return stopping_ || !work_.empty(); });
    if (!work_.empty()) {
      const auto work = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      work();
      lock.lock();
    } else if (stopping_) {
      break;
    }
    if (const auto now = clock_.now(); now >= next_tick) {
      next_tick = std::max(next_tick + 1s, now);
      lock.unlock();
      tick();
      lock.lock();
    }
  }
  lock.unlock();
  collect();
  for (auto& [id, subject] : subjects_) {
    retry(subject);
    save_state(subject);
  }
}

void Steering::tick() {
  const bool is_time_to_save = ++ticks_ % kTicksToSave == 0;
  collect();
  for (auto& [id, subject] : subjects_) {
    judge_guardrails(subject);
    step_schedule(subject);
    if (!is_time_to_save) continue;
    subject.effects = effect_samples(subject);
    retry(subject);
    save_state(subject);
  }
  publish_metrics();
}

void Steering::collect() {
  for (auto& [id, subject] : subjects_)
    for (const auto& [candidate, tally] : subject.experiment->shadow().take())
      subject.state.comparisons[candidate].merge(tally);
  std::vector<std::shared_ptr<measure::Recorder>> recorders;
  for (const auto& [id, subject] : subjects_) recorders.push_back(subject.recorder);
  if (recorders.empty()) return;
  const auto round = collector_.collect(std::move(recorders), kPatience);
  for (const auto& piece : round.pieces)
    for (auto& [id, subject] : subjects_)
      if (subject.recorder == piece.recorder) {
        subject.state.record.add(piece.slice, piece.unix_seconds);
        subject.has_new_state = true;
      }
  if (round.clock_step.count() == 0) return;
  for (auto& [id, subject] : subjects_)
    subject.state.record.note_clock_step(subject.life.epoch, round.unix_seconds,
                                         static_cast<std::uint64_t>(std::abs(round.clock_step.count())));
}

std::shared_ptr<experiment::Experiment> Steering::prepare(const Settings& settings) {
  return wait_for<std::shared_ptr<experiment::Experiment>>([&] { return prepare_here(settings); });
}

void Steering::adopt(std::vector<Adopted> experiments) {
  wait_for<bool>([&] {
    adopt_here(std::move(experiments));
    return true;
  });
}

void Steering::ask(Question question, std::function<void(http::Response)> done) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      work_.push_back([this, question = std::move(question), done = std::move(done)] { done(answer(question)); });
      changed_.notify_one();
      return;
    }
  }
  done(http::problem_response(http::Problem(503, "server.stopping", "the server is stopping"), {}));
}

StateDirectory* Steering::directory() {
  if (directory_) return &*directory_;
  auto opened = open_state_directory(state_dir_, fault_);
  if (!opened) {
    if (directory_error_ != opened.error().message)
      log().error("experiments: {}: what changes is not kept, and no candidate can be given more traffic",
                  opened.error().message);
    directory_error_ = opened.error().message;
    return nullptr;
  }
  if (!directory_error_.empty()) log().info("experiments: state is kept in {}", opened->path().string());
  directory_error_.clear();
  directory_.emplace(std::move(*opened));
  return &*directory_;
}

Adoption Steering::load(const Settings& settings, std::uint64_t requests) {
  const auto now = clock_.wall();
  auto* const files = directory();
  if (files == nullptr) return adoption_of(settings, std::nullopt, now, 0);
  const auto text = files->load(settings.id, kLifeFile);
  std::string why;
  if (!text) {
    why = text.error().message;
  } else if (!text->has_value()) {
    return adoption_of(settings, std::nullopt, now, 0);
  } else {
    const auto saved = parse_saved_life(**text);
    if (saved) return adoption_of(settings, *saved, now, requests);
    why = files->file_of(settings.id, kLifeFile).string() + " is damaged (" + saved.error().message + ")";
    if (const auto aside = files->set_aside(settings.id, kLifeFile)) why += ", it is " + aside->string() + " now";
  }
  log().error("experiment {}: {}", settings.id, why);
  return adopt_unreadable(settings, now);
}

// The file of a life is written before its line in the audit log: a crash in between leaves a revision that nobody ordered,
// as far as the log knows.
std::optional<AuditEntry> Steering::unaudited(const Settings& settings, const Adoption& adoption) {
  if (!directory_) return std::nullopt;
  const auto found = adoption.life.revision - (adoption.is_changed ? 1 : 0);
  if (found == 0) return std::nullopt;
  const auto logged = directory_->last_revision(settings.id);
  if (!logged || *logged >= found) return std::nullopt;
  AuditEntry entry;
  entry.at = clock_.wall();
  entry.actor = "server";
  entry.experiment = settings.id;
  entry.action = "found";
  entry.from = *logged;
  entry.to = found;
  entry.patch = {{"revision", found}};
  entry.reason = "at the start the disk had a revision without a line here: the server ended before it was written";
  log().warn("experiment {}: revision {} has no line in the audit log (a crash before it was written?)", settings.id, found);
  return entry;
}

report::State Steering::load_state(const Settings& settings) {
  report::State fresh;
  fresh.record =
      measure::Record(settings.arms.size(), std::chrono::duration_cast<std::chrono::seconds>(settings.window).count());
  auto* const files = directory();
  if (files == nullptr) return fresh;
  const auto text = files->load(settings.id, kStateFile);
  if (text && !text->has_value()) return fresh;
  const auto saved = text ? report::parse_state(**text) : Result<report::State>(text.error());
  if (!saved) {
    const auto aside = files->set_aside(settings.id, kStateFile);
    log().error("experiment {}: what was measured can't be read ({}) and begins anew{}", settings.id, saved.error().message,
                aside ? "; the file is " + aside->string() + " now" : std::string());
    return fresh;
  }
  const bool is_same = saved->salt == settings.salt && saved->control == control_of(settings) &&
                       saved->record.arms() == settings.arms.size() &&
                       std::equal(settings.arms.begin(), settings.arms.end(), saved->arms.begin(), saved->arms.end(),
                                  [](const auto& a, const auto& b) { return a.name == b.name; });
  if (is_same) return *saved;
  log().info("experiment {}: its arms, salt or control are others than before: the statistics begin anew", settings.id);
  return fresh;
}

std::shared_ptr<experiment::Experiment> Steering::prepare_here(const Settings& settings) {
  const auto known = subjects_.find(settings.id);
  if (known != subjects_.end() && is_same_experiment(settings, save_life(known->second.settings, known->second.life)))
    return known->second.experiment;
  Prepared prepared;
  prepared.recorder = std::make_shared<measure::Recorder>(settings.arms.size(), static_cast<unsigned>(loops_.size()));
  if (known == subjects_.end()) {
    prepared.state = load_state(settings);
    prepared.adoption = load(settings, candidate_requests(settings, prepared.state));
    prepared.unaudited = unaudited(settings, prepared.adoption);
    // Without the life that was saved with it, what was measured belongs to epochs of before.
    const auto& epochs = prepared.state.record.epochs();
    auto& life = prepared.adoption.life;
    if (!epochs.empty() && epochs.rbegin()->first > life.epoch) life.epoch = life.judged_from = epochs.rbegin()->first + 1;
  } else {
    prepared.state.record =
        measure::Record(settings.arms.size(), std::chrono::duration_cast<std::chrono::seconds>(settings.window).count());
    prepared.adoption = adoption_of(settings, save_life(known->second.settings, known->second.life), clock_.wall(), 0);
  }
  auto one = std::make_shared<experiment::Experiment>(settings, layout_of(settings, prepared.adoption.life),
                                                      static_cast<unsigned>(loops_.size()), prepared.recorder);
  prepared.experiment = one;
  prepared_.push_back(std::move(prepared));
  return one;
}

void Steering::adopt_here(std::vector<Adopted> experiments) {
  std::map<std::string, Subject> served;
  for (auto& [one, settings, backends] : experiments) {
    Subject subject;
    Adoption adoption;
    std::optional<AuditEntry> unaudited;
    const auto known = subjects_.find(settings.id);
    if (known != subjects_.end() && known->second.experiment == one) {
      subject = std::move(known->second);
      if (!has_same_guardrails(subject.settings, settings)) {
        subject.fired.clear();
        subject.judgements.clear();
      }
      adoption = adoption_of(settings, save_life(subject.settings, subject.life), clock_.wall(),
                             candidate_requests(settings, subject.state));
      if (has_other_rounds(settings, adoption.life, subject.state.record)) begin_epoch(adoption, clock_.wall());
      one->set_settings(settings);
    } else {
      const auto prepared = std::find_if(prepared_.begin(), prepared_.end(),
                                         [&one = one](const Prepared& each) { return each.experiment.lock() == one; });
      adoption = prepared->adoption;
      // Meanwhile it may have been rolled back, by whomever: what counts is how it is now.
      if (known != subjects_.end()) {
        adoption = adoption_of(settings, save_life(known->second.settings, known->second.life), clock_.wall(), 0);
        one->set_layout(layout_of(settings, adoption.life));
      }
      subject.experiment = one;
      subject.recorder = prepared->recorder;
      subject.state = std::move(prepared->state);
      if (has_other_rounds(settings, adoption.life, subject.state.record)) begin_epoch(adoption, clock_.wall());
      unaudited = std::move(prepared->unaudited);
      subject.life = adoption.life;
      if (adoption.is_changed) --subject.life.revision;
      one->on_give_up([this, id = settings.id](std::string_view arm, const std::string& why) {
        post([this, id, arm = std::string(arm), why] {
          roll_back(id, "breaker", std::string(arm).append(": ").append(why), Json{{"arm", arm}});
        });
      });
    }
    subject.settings = settings;
    describe_state(subject, backends);
    if (unaudited) write_audit(subject, std::move(*unaudited));
    if (!adoption.note.empty()) log().info("experiment {}: {}", settings.id, adoption.note);
    if (adoption.is_changed)
      (void)commit(subject, adoption.life, {"file", std::string(kFileActor), nullptr, true});
    else
      describe_state(subject, backends);
    served.insert_or_assign(settings.id, std::move(subject));
  }
  subjects_.swap(served);
  for (auto& [id, subject] : served) {
    if (!subject.experiment) continue;
    subject.experiment->shadow().stop();
    if (!subjects_.contains(id)) save_state(subject);
  }
  prepared_.clear();
  publish_metrics();
}

// The parts of the state that are not counted.
void Steering::describe_state(Subject& subject, const std::vector<std::string>& backends) {
  const auto& settings = subject.settings;
  auto& state = subject.state;
  state.experiment = settings.id;
  state.route = settings.route;
  state.salt = settings.salt;
  state.state = experiment::format_state(subject.life.state);
  state.assign = settings.assign == experiment::Assign::sticky    ? "sticky"
                 : settings.assign == experiment::Assign::request ? "request"
                                                                  : "switchback";
  state.revision = subject.life.revision;
  state.arms.resize(settings.arms.size());
  for (std::size_t i = 0; i < settings.arms.size(); ++i) {
    state.arms[i].name = settings.arms[i].name;
    if (i < backends.size()) state.arms[i].backend = backends[i];
    state.arms[i].weight_bp = subject.life.weights_bp[i];
  }
  state.control = control_of(settings);
  state.is_matched = settings.analysis == experiment::Analysis::matched;
  state.demands.planned_windows = settings.planned_windows;
  state.demands.min_windows = settings.min_windows;
  state.demands.min_seconds = std::chrono::duration_cast<std::chrono::seconds>(settings.min_time).count();
  state.demands.margin = settings.margin;
  state.demands.quantile_margin = settings.quantile_margin;
  state.guardrails.clear();
  for (const auto& one : settings.guardrails)
    state.guardrails.push_back({format_guardrail(one), one.margin, format_action(one.action)});
  const bool is_verified = settings.shadow && settings.shadow->verify;
  state.verified_since = !is_verified ? 0 : state.verified_since == 0 ? unix_seconds(clock_.wall()) : state.verified_since;
  state.record.begin_epoch(subject.life.epoch, unix_seconds(clock_.wall()), subject.life.weights_bp,
                           round_seconds(settings, subject.life));
  if (state.rules != rules_hash(settings.compare) || state.answers_since != subject.life.judged_from)
    forget_answers(subject);
  state.keep_bounded();
  subject.has_new_state = true;
}

// Answers that were compared by other rules, or before a rollback was left, must not lead to the next one. Shadows that run
// began by what is forgotten: cancelled, they end as errors, which are no comparisons.
void Steering::forget_answers(Subject& subject) {
  auto& state = subject.state;
  const bool has_run = state.answers_since != 0;
  state.rules = rules_hash(subject.settings.compare);
  state.answers_since = subject.life.judged_from;
  state.comparisons.clear();
  const auto is_of_answers = [&](std::size_t guardrail) {
    return subject.settings.guardrails[guardrail].metric == experiment::GuardrailSettings::Metric::mismatch;
  };
  std::erase_if(subject.fired, [&](const auto& one) { return is_of_answers(one.first); });
  std::erase_if(subject.judgements, [&](const auto& one) { return is_of_answers(one.guardrail); });
  if (!has_run) return;
  subject.experiment->shadow().drop();
  (void)subject.experiment->shadow().take();
}

void Steering::save_state(Subject& subject) {
  auto* const files = directory();
  if (!subject.has_new_state || files == nullptr) return;
  if (const auto saved = files->save(subject.settings.id, kStateFile, report::to_json(subject.state)); !saved) {
    if (subject.unsaved_state != saved.error().message)
      log().error("experiment {}: what was measured is not kept: {}", subject.settings.id, saved.error().message);
    subject.unsaved_state = saved.error().message;
    return;
  }
  subject.unsaved_state.clear();
  subject.has_new_state = false;
}

Result<void> Steering::persist(Subject& subject, const Life& life) {
  auto* const files = directory();
  if (files == nullptr) return Error("experiment.not_persisted", directory_error_);
  const auto text = saved_life_json(subject.settings, save_life(subject.settings, life)).dump(2) + "\n";
  auto saved = files->save(subject.settings.id, kLifeFile, text);
  if (!saved) return Error("experiment.not_persisted", saved.error().message);
  return {};
}

// Entries keep their order: behind one that could not be written, the next ones wait.
void Steering::write_audit(Subject& subject, AuditEntry entry) {
  subject.unwritten.push_back(std::move(entry));
  if (subject.unwritten.size() > kMaxUnwritten) {
    log().error("experiment {}: an entry of the audit log is lost: it could not be written for too long",
                subject.settings.id);
    subject.unwritten.pop_front();
  }
  auto* const files = directory();
  while (files != nullptr && !subject.unwritten.empty()) {
    if (const auto written = files->append(subject.unwritten.front()); !written) {
      subject.unpersisted = written.error().message;
      log().error("experiment {}: {}", subject.settings.id, written.error().message);
      return;
    }
    subject.unwritten.pop_front();
  }
}

// What gives a candidate more is on disk before it takes effect; what takes from one takes effect first.
Result<void> Steering::commit(Subject& subject, Life after, const Order& order) {
  const auto& settings = subject.settings;
  const Life before = subject.life;
  const bool is_raise = raises_candidate(settings, before, after);
  AuditEntry entry;
  entry.at = after.updated_at;
  entry.actor = order.actor;
  entry.experiment = settings.id;
  entry.action = order.action;
  entry.from = before.revision;
  entry.to = after.revision;
  entry.reason = after.reason;
  entry.evidence = order.evidence;
  entry.patch = before.weights_bp.size() == after.weights_bp.size() && before.revision != 0
                    ? merge_patch(life_json(settings, before), life_json(settings, after))
                    : life_json(settings, after);

  const auto take_effect = [&] {
    subject.life = after;
    subject.waiting_for.clear();
    subject.experiment->set_layout(layout_of(settings, after));
    if (after.judged_from != before.judged_from) {
      subject.fired.clear();
      subject.judgements.clear();
    }
    subject.state.events.push_back({std::chrono::duration_cast<Milliseconds>(after.updated_at.time_since_epoch()).count(),
                                    order.action + " by " + order.actor + ": " +
                                        describe_weights(settings, effective_weights(settings, after)) + " (" +
                                        after.reason + ")"});
    describe_state(subject, {});
  };
  const bool must_be_kept = is_raise && !order.may_be_unpersisted;
  if (must_be_kept && !subject.unwritten.empty()) retry(subject);
  if (must_be_kept && !subject.unwritten.empty())
    return Error("experiment.not_persisted",
                 "a candidate gets no more traffic while this can't be kept: " + subject.unpersisted);
  if (!must_be_kept) take_effect();
  const auto saved = persist(subject, after);
  // The file may hold the raise all the same, if only the directory could not be synchronised: a restart must not find it.
  const auto refuse = [&](const Error& why) {
    if (const auto restored = persist(subject, before); !restored)
      log().error("experiment {}: {}", settings.id, restored.error().message);
    return Error("experiment.not_persisted", "a candidate gets no more traffic while this can't be kept: " + why.message);
  };
  if (!saved && must_be_kept) return refuse(saved.error());
  if (must_be_kept) {
    if (const auto written = directory_->append(entry); !written) return refuse(written.error());
    take_effect();
    subject.unpersisted.clear();
  } else {
    subject.unpersisted = saved ? "" : saved.error().message;
    if (!saved)
      log().error("experiment {}: revision {} is not kept: {}", settings.id, after.revision, saved.error().message);
    write_audit(subject, entry);
  }
  log().info("experiment {}: revision {}, {} by {}: {} ({}): {}", settings.id, after.revision, order.action, order.actor,
             experiment::format_state(after.state), describe_weights(settings, effective_weights(settings, after)),
             after.reason);
  if (!settings.webhook.empty()) webhook_.send(settings.webhook, message_of(entry, after, subject.unpersisted.empty()));
  return {};
}

Result<void> Steering::change(Subject& subject, Change change, Json evidence) {
  auto after = apply(subject.settings, subject.life, change, clock_.wall());
  if (!after) return after.error();
  return commit(subject, std::move(*after),
                {std::string(format_action(change.action)), change.actor, std::move(evidence), false});
}

void Steering::retry(Subject& subject) {
  if (subject.unpersisted.empty() && subject.unwritten.empty()) return;
  if (const auto saved = persist(subject, subject.life); !saved) {
    subject.unpersisted = saved.error().message;
    return;
  }
  subject.unpersisted.clear();
  auto entries = std::exchange(subject.unwritten, {});
  for (auto& entry : entries) write_audit(subject, std::move(entry));
  if (subject.unpersisted.empty())
    log().info("experiment {}: revision {} is kept now", subject.settings.id, subject.life.revision);
}

// Of a life that has a ramp; `facts` is filled.
RampDecision Steering::decide_ramp(const Subject& subject, RampFacts& facts) const {
  const auto& life = subject.life;
  const auto now = clock_.wall();
  std::optional<report::Report> judged;
  facts.requests = candidate_requests(subject.settings, subject.state);
  facts.windows =
      complete_windows(subject.settings, life, subject.state.record, unix_seconds(life.ramp->began), unix_seconds(now));
  facts.unmet = [&](const experiment::ScheduleStep::Requirement& requirement) {
    if (!judged) judged = report::evaluate(subject.state);
    return unmet_requirement(*judged, requirement);
  };
  auto decision = decide(subject.settings, life, facts, now);
  facts.unmet = nullptr;  // it refers to what ends here
  return decision;
}

void Steering::step_schedule(Subject& subject) {
  const auto& life = subject.life;
  if (!life.ramp) return;
  RampFacts facts;
  const auto decision = decide_ramp(subject, facts);
  if (decision.kind != RampDecision::Kind::advance && decision.kind != RampDecision::Kind::hold) {
    subject.waiting_for = decision.kind == RampDecision::Kind::done ? "" : decision.why;
    return;
  }
  Change order;
  order.action = decision.kind == RampDecision::Kind::advance ? Action::advance : Action::hold;
  order.actor = kScheduleActor;
  order.reason = decision.why;
  order.requests = facts.requests;
  const Json evidence{{"requests", requests_in_step(*life.ramp, facts)}, {"windows", facts.windows}};
  if (const auto changed = change(subject, order, evidence); !changed) {
    if (subject.waiting_for != changed.error().message)
      log().warn("experiment {}: the schedule stands still: {}", subject.settings.id, changed.error().message);
    subject.waiting_for = changed.error().message;
  }
}

void Steering::judge_guardrails(Subject& subject) {
  if (subject.life.state != State::running || subject.settings.guardrails.empty()) return;
  Scope scope;
  scope.from_epoch = subject.life.judged_from;
  scope.now = unix_seconds(clock_.wall());
  scope.shares_since = subject.shares_since.at(unix_seconds(subject.life.shares_since), scope.now);
  scope.shares_number = subject.life.shares_number;
  const auto window = scope.now / subject.state.record.window_seconds();
  scope.with_windows = window != subject.judged_window;
  subject.judged_window = window;
  for (auto& judgement : judge(subject.settings, subject.state.record, subject.state.comparisons, scope)) {
    const auto same = std::find_if(subject.judgements.begin(), subject.judgements.end(), [&](const Judgement& one) {
      return one.guardrail == judgement.guardrail && one.arm == judgement.arm;
    });
    if (judgement.has_fired && subject.fired.emplace(judgement.guardrail, judgement.arm).second) act_on(subject, judgement);
    if (same == subject.judgements.end())
      subject.judgements.push_back(std::move(judgement));
    else
      *same = std::move(judgement);
  }
}

void Steering::act_on(Subject& subject, const Judgement& judgement) {
  using Do = experiment::GuardrailSettings::Action;
  const auto& guardrail = subject.settings.guardrails[judgement.guardrail];
  const auto actor = "guardrail " + format_guardrail(guardrail);
  if (guardrail.action == Do::rollback) {
    roll_back(subject.settings.id, actor, judgement.why, judgement.evidence);
    return;
  }
  log().warn("experiment {}: {}: {}", subject.settings.id, actor, judgement.why);
  subject.state.events.push_back(
      {std::chrono::duration_cast<Milliseconds>(clock_.wall().time_since_epoch()).count(), actor + ": " + judgement.why});
  if (guardrail.action != Do::hold || !subject.life.ramp || subject.life.ramp->taken >= subject.settings.schedule.size())
    return;
  Change order;
  order.action = Action::hold;
  order.actor = actor;
  order.reason = judgement.why;
  if (const auto changed = change(subject, order, judgement.evidence); !changed)
    log().error("experiment {}: {}", subject.settings.id, changed.error().message);
}

void Steering::roll_back(const std::string& id, const std::string& actor, const std::string& why, Json evidence) {
  auto* const subject = find(id);
  if (subject == nullptr || subject->life.state != State::running) return;
  Change order;
  order.action = Action::rollback;
  order.actor = actor;
  order.reason = why;
  if (const auto changed = change(*subject, order, std::move(evidence)); !changed)
    log().error("experiment {}: {}", id, changed.error().message);
}

Steering::Subject* Steering::find(const std::string& id) {
  if (const auto found = subjects_.find(id); found != subjects_.end()) return &found->second;
  for (auto& [name, subject] : subjects_)
    if (subject.settings.route == id) return &subject;
  return nullptr;
}

std::string Steering::metrics() const {
  const std::lock_guard lock(metrics_mutex_);
  return metrics_;
}

}  // namespace tandem::steering
