#include "experiment/experiment_handler.hpp"

#include <exception>

#include "base/log.hpp"
#include "base/random.hpp"
#include "experiment/kept_body.hpp"
#include "experiment/switchback.hpp"
#include "http/problem.hpp"
#include "http/target.hpp"
#include "observe/metrics.hpp"

namespace tandem::experiment {
namespace {

using service::AssignedBy;

constexpr std::string_view kExplain = "?";
constexpr int kThrew = 500;  // what an exception would be answered with

void add_field(service::Call& call, std::string_view name, std::string_view value) {
  call.twin_fields.append(name).append(": ").append(value).append("\r\n");
}

bool is_safe(http::Method method) {
  return method == http::Method::get || method == http::Method::head || method == http::Method::options;
}

// How an attempt ended for the breaker; nullopt when the client left before it did. No response: it threw.
std::optional<Breaker::Result> judge(const http::Response* response, const service::Call& call) {
  if (response == nullptr) return Breaker::Result::failed;
  if (call.cancelled || response->status == http::kClientGone) return std::nullopt;
  if (response->status < 500) return Breaker::Result::good;
  const bool has_crashed = response->content_type == http::kProblemJson &&
                           response->body_text().find("\"python.worker_died\"") != std::string_view::npos;
  return has_crashed ? Breaker::Result::crashed : Breaker::Result::failed;
}

}  // namespace

ExperimentHandler::ExperimentHandler(std::vector<Arm> arms, PinRule pins, Settings settings,
                                     std::shared_ptr<Experiment> experiment, const Clock& clock)
    : arms_(std::move(arms)),
      pins_(std::move(pins)),
      settings_(std::move(settings)),
      experiment_(std::move(experiment)),
      clock_(clock),
      assign_hash_("assign", settings_.salt),
      shadow_hash_("shadow", settings_.salt),
      cluster_hash_("cluster", settings_.salt) {
  if (!settings_.shadow) return;
  auto rules = comparison::Rules::make(settings_.compare);
  const auto candidate = find_arm(settings_.shadow->candidate);
  if (rules && candidate)
    shadow_plan_ = ShadowPlan{*settings_.shadow,
                              std::make_shared<const comparison::Rules>(std::move(*rules)),
                              arms_,
                              experiment_->control(),
                              *candidate,
                              settings_.route,
                              std::chrono::duration_cast<std::chrono::seconds>(settings_.window).count()};
}

// ------------------------------------------------------------------------------------------------------------ who goes
// where

std::optional<std::size_t> ExperimentHandler::find_arm(std::string_view name) const {
  for (std::size_t i = 0; i < arms_.size(); ++i)
    if (arms_[i].name == name) return i;
  return std::nullopt;
}

ExperimentHandler::Wish ExperimentHandler::read_wish(const http::Request& request, const service::Call& call) const {
  Wish wish;
  std::string_view name = request.headers.find(http::Field::tandem_arm);
  std::string_view token = request.headers.find("tandem-override");
  std::string from_query, token_from_query;
  if (settings_.override_query && name.data() == nullptr && token.data() == nullptr) {
    from_query = http::find_query(request.query, "tandem_arm").value_or("");
    token_from_query = http::find_query(request.query, "tandem_token").value_or("");
    if (!from_query.empty()) name = from_query;
    if (!token_from_query.empty()) token = token_from_query;
  }
  if (name.data() == nullptr && token.data() == nullptr) return wish;
  const auto signed_arm = pins_.read_signed(token, settings_.id, clock_.wall());
  if (!signed_arm.empty() && name.data() == nullptr) name = signed_arm;
  if (name.data() == nullptr) {  // a token alone asks for nothing; one that is wrong is told so
    wish.denied = !pins_.allows(request, call, token);
    return wish;
  }
  const bool may = name == signed_arm || pins_.allows(request, call, token);
  wish.explain = may && name == kExplain;
  if (may && !wish.explain) wish.arm = find_arm(name);
  wish.denied = !wish.arm && !wish.explain;
  return wish;
}

Assignment ExperimentHandler::assign(const http::Request& request, service::Call& call, const Layout& layout,
                                     Key& key) const {
  Assignment assignment;
  service::Trial& trial = call.trial;
  assignment.arm = experiment_->control();
  trial.epoch = layout.epoch;
  if (settings_.assign != Assign::request) find_key(settings_.key, request, call, key);
  if (key.source) assignment.source = key.source->text;
  trial.has_key = key.is_sticky() && settings_.assign == Assign::sticky;
  if (trial.has_key) {
    trial.cluster = cluster_hash_(key.text);
    if (settings_.shadow) trial.shadow = shadow_hash_(key.text);
    assignment.bucket = bucket_of(assign_hash_(key.text));
  } else {
    const auto bits = random_bits();
    trial.shadow = static_cast<std::uint32_t>(bits >> 32);
    assignment.bucket = bucket_of(static_cast<std::uint32_t>(bits));
  }
  switch (layout.state) {
    case State::rolled_back:
      assignment.by = AssignedBy::rollback;
      return assignment;
    case State::draft:
    case State::paused:
      assignment.by = AssignedBy::chosen_by_default;
      return assignment;
    case State::running:
    case State::concluded:
      break;
  }
  if (settings_.assign == Assign::switchback && layout.state == State::running) {
    const auto turn = switchback_turn(layout, settings_.salt, settings_.block, settings_.washout, clock_.wall());
    assignment.arm = turn.arm;
    assignment.by = AssignedBy::switchback;
    assignment.is_counted = trial.is_analysed = !turn.is_washout;
    return assignment;
  }
  assignment.arm = layout.owner[assignment.bucket];
  assignment.by = AssignedBy::hash;
  assignment.is_counted = layout.state == State::running;
  trial.is_analysed = layout.is_analysed[assignment.bucket];
  return assignment;
}

// ------------------------------------------------------------------------------------------------------- what the answer
// says

bool ExperimentHandler::may_share(const http::Request& request) const {
  return settings_.cacheable || (request.method != http::Method::get && request.method != http::Method::head);
}

void ExperimentHandler::name_arm(service::Call& call, std::size_t arm) const {
  call.arm = arms_[arm].name;
  call.metrics = arms_[arm].metrics;
}

void ExperimentHandler::expose(service::Call& call, std::size_t arm, std::uint64_t revision) const {
  add_field(call, "Tandem-Backend", arms_[arm].backend);
  add_field(call, "Tandem-Experiment", settings_.id + ";rev=" + std::to_string(revision));
  add_field(call, "Tandem-Assigned-By", format_assigned_by(call.trial.assigned_by));
  call.server_timing = true;
}

std::string ExperimentHandler::explain(const Assignment& assignment, bool is_minted, const Layout& layout) const {
  std::string text("key=");
  if (assignment.source.empty())
    text.append("none");
  else
    text.append(assignment.source == "mint" && !is_minted ? "cookie:tandem_id" : assignment.source);
  text.append("; bucket=").append(std::to_string(assignment.bucket));
  text.append("; layout=").append(arms_[assignment.arm].name);
  text.append("[").append(describe_buckets(layout, assignment.arm)).append("]");
  return text.append("; epoch=").append(std::to_string(layout.epoch));
}

service::Outcome ExperimentHandler::handle(http::Request& request, service::Call& call) const {
  const Layout& layout = experiment_->layout(call.loop);
  const Wish wish = read_wish(request, call);
  call.is_twin = true;
  call.pin_denied = wish.denied;
  call.is_private = !may_share(request);
  Attempt attempt;
  attempt.revision = layout.revision;
  attempt.is_exposed =
      settings_.expose == Expose::all || (settings_.expose == Expose::override_only && (wish.arm || wish.explain));
  if (wish.arm) {
    call.trial.assigned_by = AssignedBy::pin;
    call.trial.arm = static_cast<std::uint16_t>(*wish.arm);
    attempt.arm = *wish.arm;
    return serve(request, call, attempt);
  }

  Key key;
  const auto assignment = assign(request, call, layout, key);
  attempt.arm = assignment.arm;
  service::Trial& trial = call.trial;
  trial.assigned_by = assignment.by;
  trial.arm = static_cast<std::uint16_t>(assignment.arm);
  experiment_->count_key(call.loop, key.source);
  if (assignment.is_counted) trial.recorder = experiment_->recorder();
  trial.wants_cpu = trial.recorder != nullptr && experiment_->wants_cpu(call.loop, settings_.cpu_sample);
  if (key.is_minted) {
    add_field(call, "Set-Cookie", mint_cookie(*key.source, key.text, settings_.mint_max_age, request.scheme == "https"));
    call.is_private = true;
  }
  if (wish.explain) add_field(call, "Tandem-Explain", explain(assignment, key.is_minted, layout));
  if (shadow_plan_ && layout.state == State::running)
    if (auto job = experiment_->shadow().consider(*shadow_plan_, assignment.arm, request, call))
      return answer_watched(request, call, attempt, std::move(job));
  return answer(request, call, attempt);
}

// Control is counted by a breaker that nobody asks: what only the candidate had to do would be taken for its slowness, which
// shows where an endpoint takes half a microsecond.
service::Outcome ExperimentHandler::answer(http::Request& request, service::Call& call, Attempt attempt) const {
  if (attempt.arm == experiment_->control()) return try_now(request, call, attempt);
  attempt.admission = experiment_->breaker(attempt.arm).admit(call.loop.coarse_now());
  if (attempt.admission != Breaker::Admission::no) return try_candidate(request, call, attempt);
  call.trial.assigned_by = AssignedBy::fallback;
  call.trial.recorder = nullptr;
  call.trial.fell_back = true;
  attempt.arm = experiment_->control();
  return serve(request, call, attempt);
}

// ------------------------------------------------------------------------------------------------------------ shadows

namespace {

Task<http::Response> watch_later(Task<http::Response> task, std::shared_ptr<ShadowJob> job) {
  auto response = co_await task;
  co_return job->watch(std::move(response));
}

}  // namespace

service::Outcome ExperimentHandler::answer_watched(http::Request& request, service::Call& call, Attempt attempt,
                                                   std::shared_ptr<ShadowJob> job) const {
  call.afterwards = job;
  const auto body = request.body->buffered();
  if (!body) return answer_watched_with_body(request, call, attempt, std::move(job));
  job->set_body(*body);
  auto outcome = answer(request, call, attempt);
  if (outcome.ready()) return job->watch(std::move(outcome.response()));
  return watch_later(std::move(outcome.task()), std::move(job));
}

Task<http::Response> ExperimentHandler::answer_watched_with_body(http::Request& request, service::Call& call,
                                                                 Attempt attempt, std::shared_ptr<ShadowJob> job) const {
  auto reading = request.body->read_all();
  const auto text = co_await reading;
  if (!text) co_return http::problem_response(http::problem_of(text.error()), call.id());
  job->set_body(*text);
  const auto kept = std::make_shared<KeptBody>(*text);
  call.kept_body = kept;
  request.body = kept.get();
  auto outcome = answer(request, call, attempt);
  if (outcome.ready()) co_return job->watch(std::move(outcome.response()));
  auto task = std::move(outcome.task());
  auto response = co_await task;
  co_return job->watch(std::move(response));
}

service::Outcome ExperimentHandler::serve(http::Request& request, service::Call& call, Attempt attempt) const {
  name_arm(call, attempt.arm);
  if (attempt.is_exposed) expose(call, attempt.arm, attempt.revision);
  return arms_[attempt.arm].handler->handle(request, call);
}

// ------------------------------------------------------------------------------------------------------- candidates that
// fail

bool ExperimentHandler::may_fall_back(const http::Request& request) const {
  return settings_.fallback && (is_safe(request.method) || settings_.idempotent);
}

service::Outcome ExperimentHandler::try_candidate(http::Request& request, service::Call& call, Attempt attempt) const {
  if (may_fall_back(request) && request.body->content_length() != std::uint64_t{0})
    return try_with_body(request, call, attempt);
  return try_now(request, call, attempt);
}

// Both endpoints read the body from its beginning.
Task<http::Response> ExperimentHandler::try_with_body(http::Request& request, service::Call& call, Attempt attempt) const {
  auto reading = request.body->read_all();
  const auto text = co_await reading;
  if (!text) co_return http::problem_response(http::problem_of(text.error()), call.id());
  const auto kept = std::make_shared<KeptBody>(*text);
  call.kept_body = kept;
  request.body = kept.get();
  auto outcome = try_now(request, call, attempt);
  if (outcome.ready()) co_return std::move(outcome.response());
  auto task = std::move(outcome.task());
  auto response = co_await task;
  co_return response;
}

service::Outcome ExperimentHandler::try_now(http::Request& request, service::Call& call, Attempt attempt) const {
  name_arm(call, attempt.arm);
  std::exception_ptr error;
  try {
    auto outcome = arms_[attempt.arm].handler->handle(request, call);
    if (!outcome.ready()) return settle(std::move(outcome.task()), request, call, attempt);
    if (must_replace(&outcome.response(), request, call, attempt))
      return answer_for_candidate(outcome.response().status, request, call, attempt);
    if (attempt.is_exposed) expose(call, attempt.arm, attempt.revision);
    return outcome;
  } catch (...) {
    error = std::current_exception();
  }
  if (!must_replace(nullptr, request, call, attempt)) std::rethrow_exception(error);
  return answer_for_candidate(kThrew, request, call, attempt);
}

Task<http::Response> ExperimentHandler::settle(Task<http::Response> task, http::Request& request, service::Call& call,
                                               Attempt attempt) const {
  std::optional<http::Response> response;
  std::exception_ptr error;
  try {
    auto answer = co_await task;
    response.emplace(std::move(answer));
  } catch (...) {
    error = std::current_exception();
  }
  if (!must_replace(response ? &*response : nullptr, request, call, attempt)) {
    if (error) std::rethrow_exception(error);
    if (attempt.is_exposed) expose(call, attempt.arm, attempt.revision);
    co_return std::move(*response);
  }
  const int status = response ? response->status : kThrew;
  response.reset();  // ends what it may still be streaming
  auto outcome = answer_for_candidate(status, request, call, attempt);
  if (outcome.ready()) co_return std::move(outcome.response());
  auto second = std::move(outcome.task());
  auto answer = co_await second;
  co_return answer;
}

// Tells the breaker how the attempt ended. Shall control answer instead? Nothing has been sent yet.
bool ExperimentHandler::must_replace(const http::Response* response, const http::Request& request, const service::Call& call,
                                     const Attempt& attempt) const {
  auto result = judge(response, call);
  if (!result) return false;
  if (attempt.arm == experiment_->control()) result = Breaker::Result::good;
  auto& breaker = experiment_->breaker(attempt.arm);
  const auto why = breaker.record(call.loop.index(), attempt.admission, *result, call.loop.coarse_now());
  if (!why.empty()) report_trip(attempt.arm, why);
  return *result != Breaker::Result::good && may_fall_back(request);
}

void ExperimentHandler::report_trip(std::size_t arm, const std::string& why) const {
  const bool is_final = experiment_->breaker(arm).state() == Breaker::State::given_up;
  log().warn("experiment {}: arm {} is {}, control answers: {}", settings_.id, arms_[arm].name,
             is_final ? "given up after its third failure in ten minutes" : "off for 30 s", why);
  if (is_final) experiment_->give_up(arm, why);
}

service::Outcome ExperimentHandler::answer_for_candidate(int status, http::Request& request, service::Call& call,
                                                         Attempt attempt) const {
  if (auto* metrics = arms_[attempt.arm].metrics) {  // it was asked and failed, whoever answers
    observe::Exchange exchange;
    exchange.status = status;
    exchange.assigned_by = static_cast<observe::AssignedBy>(call.trial.assigned_by);
    exchange.total = std::chrono::steady_clock::now() - call.started;
    exchange.cpu = call.cpu_time;
    exchange.stages = {call.queue_time, call.gil_time, call.handler_time, {}};
    metrics->record(call.loop.index(), exchange);
  }
  call.queue_time = call.handler_time = call.gil_time = call.cpu_time = Nanoseconds{0};
  call.trial.fell_back = true;
  call.trial.status = status;
  call.trial.assigned_by = AssignedBy::fallback;
  if (call.kept_body) std::static_pointer_cast<KeptBody>(call.kept_body)->rewind();
  attempt.arm = experiment_->control();
  return serve(request, call, attempt);
}

std::string_view format_assigned_by(service::AssignedBy by) {
  switch (by) {
    case AssignedBy::hash:
      return "hash";
    case AssignedBy::pin:
      return "override";
    case AssignedBy::switchback:
      return "switchback";
    case AssignedBy::chosen_by_default:
      return "default";
    case AssignedBy::fallback:
      return "fallback";
    case AssignedBy::rollback:
      return "rollback";
    case AssignedBy::none:
      break;
  }
  return {};
}

}  // namespace tandem::experiment
