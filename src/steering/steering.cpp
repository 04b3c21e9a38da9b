#include "steering/steering.hpp"

#include <algorithm>
#include <future>
#include <numeric>
#include <utility>

#include "base/log.hpp"
#include "base/thread.hpp"
#include "base/timestamp.hpp"
#include "http/problem.hpp"
#include "http/target.hpp"
#include "steering/change_json.hpp"

namespace tandem::steering {

namespace {

using namespace std::chrono_literals;
using experiment::Settings;
using experiment::State;

constexpr std::string_view kLifeFile = ".json";
constexpr unsigned kTicksToSave = 10;
constexpr std::size_t kMaxUnwritten = 100;

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

Steering::Steering(std::string state_dir, std::vector<Loop*> loops, const Clock& clock)
    : state_dir_(std::move(state_dir)), loops_(std::move(loops)), clock_(clock) {}

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
      return;
    }
    if (const auto now = clock_.now(); now >= next_tick) {
      next_tick = std::max(next_tick + 1s, now);
      lock.unlock();
      tick();
      lock.lock();
    }
  }
}

void Steering::tick() {
  const bool is_time_to_save = ++ticks_ % kTicksToSave == 0;
  for (auto& [id, subject] : subjects_) {
    step_schedule(subject);
    if (is_time_to_save) retry(subject);
  }
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
  post([this, question = std::move(question), done = std::move(done)] { done(answer(question)); });
}

StateDirectory* Steering::directory() {
  if (directory_) return &*directory_;
  auto opened = open_state_directory(state_dir_);
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

Adoption Steering::load(const Settings& settings) {
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
    if (saved) return adoption_of(settings, *saved, now, 0);
    why = files->file_of(settings.id, kLifeFile).string() + " is damaged (" + saved.error().message + ")";
    if (const auto aside = files->set_aside(settings.id, kLifeFile)) why += ", it is " + aside->string() + " now";
  }
  log().error("experiment {}: {}", settings.id, why);
  return adopt_unreadable(settings, now);
}

std::shared_ptr<experiment::Experiment> Steering::prepare_here(const Settings& settings) {
  const auto known = subjects_.find(settings.id);
  if (known != subjects_.end() && is_same_experiment(settings, save_life(known->second.settings, known->second.life)))
    return known->second.experiment;
  Prepared prepared;
  prepared.adoption = known == subjects_.end()
                          ? load(settings)
                          : adoption_of(settings, save_life(known->second.settings, known->second.life), clock_.wall(), 0);
  auto one = std::make_shared<experiment::Experiment>(settings, layout_of(settings, prepared.adoption.life),
                                                      static_cast<unsigned>(loops_.size()), nullptr);
  prepared.experiment = one;
  prepared_.push_back(std::move(prepared));
  return one;
}

void Steering::adopt_here(std::vector<Adopted> experiments) {
  std::map<std::string, Subject> served;
  for (auto& [one, settings] : experiments) {
    Subject subject;
    Adoption adoption;
    const auto known = subjects_.find(settings.id);
    if (known != subjects_.end() && known->second.experiment == one) {
      adoption = adoption_of(settings, save_life(known->second.settings, known->second.life), clock_.wall(), 0);
      subject = std::move(known->second);
      one->set_settings(settings);
    } else {
      const auto prepared = std::find_if(prepared_.begin(), prepared_.end(),
                                         [&](const Prepared& each) { return each.experiment.lock() == one; });
      adoption = prepared->adoption;
      subject.experiment = one;
      subject.life = adoption.life;
      subject.life.revision = adoption.is_changed ? adoption.life.revision - 1 : adoption.life.revision;
      one->on_give_up([this, id = settings.id](std::string_view arm, const std::string& why) {
        post([this, id, arm = std::string(arm), why] { roll_back(id, "breaker", why, Json{{"arm", arm}}); });
      });
    }
    subject.settings = settings;
    if (!adoption.note.empty()) log().info("experiment {}: {}", settings.id, adoption.note);
    if (adoption.is_changed) (void)commit(subject, adoption.life, {"file", std::string(kFileActor), nullptr, true});
    served.insert_or_assign(settings.id, std::move(subject));
  }
  subjects_ = std::move(served);
  prepared_.clear();
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
  };
  const bool must_be_kept = is_raise && !order.may_be_unpersisted;
  if (must_be_kept && !subject.unwritten.empty()) retry(subject);
  if (must_be_kept && !subject.unwritten.empty())
    return Error("experiment.not_persisted",
                 "a candidate gets no more traffic while this can't be kept: " + subject.unpersisted);
  if (!must_be_kept) take_effect();
  const auto saved = persist(subject, after);
  if (!saved && must_be_kept)
    return Error("experiment.not_persisted",
                 "a candidate gets no more traffic while this can't be kept: " + saved.error().message);
  if (must_be_kept) {
    if (const auto written = directory_->append(entry); !written) {
      if (const auto restored = persist(subject, before); !restored)
        log().error("experiment {}: {}", settings.id, restored.error().message);
      return Error("experiment.not_persisted",
                   "a candidate gets no more traffic while this can't be kept: " + written.error().message);
    }
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

void Steering::step_schedule(Subject& subject) {
  if (!subject.life.ramp) return;
  RampFacts facts;
  facts.unmet = [](const experiment::ScheduleStep::Requirement& requirement) {
    return "\"" + requirement.metric + "\" is not known";
  };
  const auto decision = decide(subject.settings, subject.life, facts, clock_.wall());
  subject.waiting_for = decision.kind == RampDecision::Kind::done ? "" : decision.why;
  if (decision.kind != RampDecision::Kind::advance && decision.kind != RampDecision::Kind::hold) return;
  Change order;
  order.action = decision.kind == RampDecision::Kind::advance ? Action::advance : Action::hold;
  order.actor = kScheduleActor;
  order.reason = decision.why;
  order.requests = facts.requests;
  if (const auto changed = change(subject, order, Json{{"requests", facts.requests}}); !changed) {
    if (subject.waiting_for != changed.error().message)
      log().warn("experiment {}: the schedule stands still: {}", subject.settings.id, changed.error().message);
    subject.waiting_for = changed.error().message;
  }
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
    default:
      return refusal(not_found(question.id));
  }
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
  const auto& life = subject.life;
  const bool is_through = !life.ramp || life.ramp->taken >= subject.settings.schedule.size();
  Json document{{"id", subject.settings.id}, {"revision", life.revision}, {"state", experiment::format_state(life.state)}};
  const auto say = [&](int status, std::string_view gate, const std::string& why) {
    document["gate"] = gate;
    document["why"] = why;
    auto response = json_response(document);
    response.status = status;
    return response;
  };
  if (life.state == State::rolled_back) return say(409, "fail", "rolled back: " + life.reason);
  if (life.state == State::concluded) return say(200, "pass", "concluded: " + life.reason);
  if (life.ramp && is_through) return say(200, "pass", "all steps of the schedule were taken");
  return say(425, "undecided",
             subject.waiting_for.empty() ? "it is " + std::string(experiment::format_state(life.state))
                                         : "waits for " + subject.waiting_for);
}

http::Response Steering::answer_audit(const Question& question) {
  auto* const files = directory();
  std::string text;
  if (files != nullptr) {
    auto read = read_file(files->audit_path());
    if (!read) return refusal(Error("experiment.not_persisted", read.error().message));
    text = read->value_or("");
  }
  const auto format = http::find_query(question.query, "format").value_or("json");
  if (format == "jsonl") {
    http::Response response(200, "application/jsonl", std::move(text));
    return response;
  }
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

std::string Steering::metrics() { return {}; }

}  // namespace tandem::steering
