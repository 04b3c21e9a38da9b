#include "experiment/shadow.hpp"

#include <algorithm>
#include <cctype>
#include <deque>
#include <exception>
#include <optional>

#include "base/ascii.hpp"
#include "base/random.hpp"
#include "base/task_group.hpp"
#include "base/utf8.hpp"
#include "experiment/kept_body.hpp"
#include "experiment/murmur3.hpp"
#include "measure/record.hpp"
#include "observe/prometheus_text.hpp"
#include "service/cpu_piece.hpp"

namespace tandem::experiment {
namespace {

using comparison::Answer;
using comparison::Outcome;

constexpr Milliseconds kRetry{10};  // a shadow that has to stand back asks again
constexpr Milliseconds kMaxTimeout{5'000};
constexpr Milliseconds kMinTimeout{100};
constexpr double kBudgetSeconds = 10;     // over which the CPU budget is averaged
constexpr unsigned kLooksPerSecond = 10;  // a thread's, at answers that nothing is compared with
constexpr std::size_t kSamplePathBytes = 500;

struct FateName {
  std::string_view result, reason;
};
constexpr FateName kFateNames[Shadow::kFates] = {{"done", ""},
                                                 {"timeout", ""},
                                                 {"error", ""},
                                                 {"skipped", "arm"},
                                                 {"skipped", "method"},
                                                 {"skipped", "body_too_large"},
                                                 {"skipped", "queue_full"},
                                                 {"skipped", "cpu_budget"},
                                                 {"skipped", "sampled_out"},
                                                 {"skipped", "rate"},
                                                 {"skipped", "verify"},
                                                 {"skipped", "draining"},
                                                 {"skipped", "unanswered"}};

std::int64_t unix_seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(SystemClock().wall().time_since_epoch()).count();
}

std::string lowered(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return low;
}

bool is_copied(std::string_view name, const ShadowSettings& settings) {
  return may_copy_field(name) && (!settings.headers || std::any_of(settings.headers->begin(), settings.headers->end(),
                                                                   [&](const std::string& chosen) {
                                                                     return ascii::equal_ignoring_case(name, chosen);
                                                                   }));
}

void note_head(Answer& answer, const http::Response& response) {
  answer.status = response.status;
  if (!response.content_type.empty()) answer.headers.emplace_back("content-type", response.content_type);
  response.headers.for_each(
      [&](std::string_view name, std::string_view value) { answer.headers.emplace_back(lowered(name), value); });
}

// Passes a streamed answer on, and shows the job every piece.
class WatchedStream final : public http::ResponseStream {
 public:
  WatchedStream(std::unique_ptr<http::ResponseStream> stream, std::shared_ptr<ShadowJob> job, Answer& answer,
                bool& is_complete)
      : stream_(std::move(stream)), job_(std::move(job)), answer_(answer), is_complete_(is_complete) {}

  std::optional<std::uint64_t> content_length() const override { return stream_->content_length(); }
  Task<Result<std::string_view>> read() override {
    auto reading = stream_->read();
    auto piece = co_await reading;
    if (piece) answer_.append(*piece);
    is_complete_ = piece && piece->empty();
    co_return piece;
  }

 private:
  std::unique_ptr<http::ResponseStream> stream_;
  std::shared_ptr<ShadowJob> job_;  // owns the two below
  Answer& answer_;
  bool& is_complete_;
};

}  // namespace

bool may_copy_field(std::string_view name) {
  constexpr std::string_view kLeftOut[] = {
      "connection",        "keep-alive",     "te",         "trailer",        "upgrade", "expect",
      "transfer-encoding", "content-length", "tandem-arm", "tandem-override"};
  return std::none_of(std::begin(kLeftOut), std::end(kLeftOut),
                      [&](std::string_view left_out) { return ascii::equal_ignoring_case(name, left_out); });
}

// ------------------------------------------------------------------------------------------------------------ a thread's
// part

namespace {

// So many in a second.
class Turns {
 public:
  // One more, or false.
  bool take(TimePoint now, unsigned per_second) {
    if (now - began_ >= std::chrono::seconds(1)) {
      began_ = now;
      taken_ = 0;
    }
    if (taken_ >= per_second) return false;
    ++taken_;
    return true;
  }

 private:
  TimePoint began_{};
  unsigned taken_ = 0;
};

}  // namespace

// Thread: its loop's, for everything.
struct Shadow::Lane final : TimerWheel::Timer {
  Lane(Shadow& owner, Loop& its_loop) : shadow(owner), loop(its_loop), refilled(its_loop.coarse_now()) {}

  void expired() override { shadow.pump(*this); }

  // Fills the bucket of CPU time: it holds what ten seconds allow, of this loop's part of the budget.
  void refill(double share) {
    const auto now = loop.coarse_now();
    const double seconds = std::chrono::duration<double>(now - refilled).count();
    refilled = now;
    cpu_seconds = std::min(cpu_seconds + share * seconds, share * kBudgetSeconds);
  }
  Shadow& shadow;
  Loop& loop;
  TaskGroup tasks;
  std::deque<std::shared_ptr<ShadowJob>> queue;
  std::vector<service::Call*> running;
  bool is_pumping = false;
  TimePoint refilled;
  double cpu_seconds = 0;
  bool has_cpu = false;  // the bucket was filled for the first time
  Turns shadows;
  Turns looks;
  TimePoint p99_known{};
  Nanoseconds p99{0};
};

// One execution of an arm.
struct Shadow::Run {
  Answer answer;
  bool is_complete = false;
  bool timed_out = false;
  Nanoseconds cpu{0};
};

namespace {

// Cancels a shadow whose time is up.
class Deadline final : public TimerWheel::Timer {
 public:
  Deadline(service::Call& call, TimePoint at) : call_(call) { call.loop.wheel().arm(*this, at); }
  bool has_passed() const { return has_passed_; }

 private:
  void expired() override {
    has_passed_ = true;
    call_.cancel();
  }
  service::Call& call_;
  bool has_passed_ = false;
};

// Among those that run, for as long as it lives.
class Registered {
 public:
  Registered(std::vector<service::Call*>& calls, service::Call& call) : calls_(calls), call_(call) {
    calls_.push_back(&call);
  }
  ~Registered() { std::erase(calls_, &call_); }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

 private:
  std::vector<service::Call*>& calls_;
  service::Call& call_;
};

}  // namespace

// ---------------------------------------------------------------------------------------------------------------- a job

ShadowJob::ShadowJob(std::shared_ptr<Shadow> shadow, const ShadowPlan& plan, std::size_t live_arm,
                     const http::Request& request, const service::Call& call)
    : shadow_(std::move(shadow)),
      plan_(plan),
      live_arm_(live_arm),
      other_arm_(live_arm == plan.control ? plan.candidate : plan.control),
      drops_(shadow_->drops_),
      loop_(call.loop),
      peer_(*call.client),
      id_(call.id()),
      method_(request.method),
      version_(request.version) {
  method_text_ = keep(request.method_text);
  target_ = keep(request.target);
  path_ = keep(request.path);
  query_ = keep(request.query);
  authority_ = keep(request.authority);
  scheme_ = keep(request.scheme);
  for (const auto& field : request.headers)
    if (is_copied(field.name, plan.settings)) fields_.push_back({field.id, keep(field.name), keep(field.value)});
  for (const auto& param : request.path_params) params_.emplace_back(param.name, keep(param.value));
}

ShadowJob::~ShadowJob() { settle(Shadow::Fate::unanswered); }

ShadowJob::Text ShadowJob::keep(std::string_view text) {
  const Text kept{texts_.size(), text.size()};
  texts_.append(text);
  return kept;
}

void ShadowJob::settle(Shadow::Fate fate) {
  if (std::exchange(is_settled_, true)) return;
  shadow_->count_one(fate);
}

http::Response ShadowJob::watch(http::Response response) {
  note_head(live_, response);
  if (response.stream() != nullptr) {
    auto stream = std::move(std::get<std::unique_ptr<http::ResponseStream>>(response.body));
    response.body = std::make_unique<WatchedStream>(std::move(stream), shared_from_this(), live_, is_complete_);
  } else {
    live_.append(response.body_text());
    is_complete_ = response.session() == nullptr;
  }
  return response;
}

void ShadowJob::answered(const service::Call& call) {
  // Control may have answered in the candidate's place: then there is nothing of the candidate's to compare.
  if (!is_complete_ || call.cancelled || call.trial.fell_back || call.table == nullptr) return;
  table_ = call.table;
  if (is_look_)
    loop_.post([self = shared_from_this()] { self->shadow_->look(*self); });  // when the answer is on its way
  else
    shadow_->enqueue(shared_from_this());
}

void ShadowJob::fill(http::Request& request, http::RequestBody& body) const {
  request.method = method_;
  request.version = version_;
  request.method_text = view(method_text_);
  request.target = view(target_);
  request.path = view(path_);
  request.query = view(query_);
  request.authority = view(authority_);
  request.scheme = view(scheme_);
  for (const auto& field : fields_) request.headers.add(field.id, view(field.name), view(field.value));
  for (const auto& [name, value] : params_) request.path_params.push_back({name, view(value)});
  request.body = &body;
}

// --------------------------------------------------------------------------------------------------------- who is shadowed

Shadow::Shadow(unsigned io_threads) : io_threads_(io_threads), lanes_(io_threads), comparer_(io_threads) {}

Shadow::~Shadow() = default;

Shadow::Lane& Shadow::lane(Loop& loop) {
  auto& place = lanes_[loop.index()];
  if (!place) {
    place = std::make_unique<Lane>(*this, loop);
    const std::lock_guard lock(mutex_);
    known_lanes_.emplace_back(&loop, place.get());
  }
  return *place;
}

Shadow::Fate Shadow::judge(Lane& lane, const ShadowPlan& plan, std::size_t live_arm, const http::Request& request,
                           const service::Call& call) {
  const auto& settings = plan.settings;
  const bool is_pair = live_arm == plan.control || (settings.swap && live_arm == plan.candidate);
  if (!is_pair) return Fate::other_arm;
  if (stopping_ || !is_running_) return Fate::draining;
  if (bucket_of(call.trial.shadow) >= settings.sample * kBuckets) return Fate::sampled_out;
  if (std::find(settings.methods.begin(), settings.methods.end(), request.method_text) == settings.methods.end())
    return Fate::method;
  const auto length = request.body->content_length();
  if (!length || *length > settings.body_bytes) return Fate::body_too_large;
  if (settings.verify && !measure::has_shadows(unix_seconds_now() / plan.window_seconds)) return Fate::verify;
  if (settings.per_second > 0 &&
      !lane.shadows.take(lane.loop.coarse_now(), (settings.per_second + io_threads_ - 1) / io_threads_))
    return Fate::rate;
  if (waiting_ >= settings.queue) return Fate::queue_full;
  const double share = settings.cpu_budget / io_threads_;
  if (!std::exchange(lane.has_cpu, true)) lane.cpu_seconds = share * kBudgetSeconds;
  lane.refill(share);
  lane.cpu_seconds -= std::chrono::duration<double>(comparer_.take_cpu(lane.loop.index())).count();
  return lane.cpu_seconds > 0 ? Fate::done : Fate::cpu_budget;
}

std::shared_ptr<ShadowJob> Shadow::consider(const ShadowPlan& plan, std::size_t live_arm, const http::Request& request,
                                            const service::Call& call) {
  auto& own = lane(call.loop);
  const auto fate = judge(own, plan, live_arm, request, call);
  if (fate == Fate::done) return std::make_shared<ShadowJob>(shared_from_this(), plan, live_arm, request, call);
  count_one(fate);
  // What control answers where nothing is compared belongs to what is not known to agree.
  const bool is_worth_a_look = live_arm == plan.control && fate != Fate::draining && request.body->content_length() == 0;
  if (!is_worth_a_look || !own.looks.take(own.loop.coarse_now(), kLooksPerSecond)) return nullptr;
  auto job = std::make_shared<ShadowJob>(shared_from_this(), plan, live_arm, request, call);
  job->settle_as_look();
  return job;
}

void Shadow::look(ShadowJob& job) {
  AnswerPair pair;
  pair.candidate = job.plan_.arms[job.plan_.candidate].name;
  pair.of_control = std::move(job.live_);
  comparer_.add(std::move(pair), job.loop_.index());
}

void Shadow::enqueue(std::shared_ptr<ShadowJob> job) {
  auto& own = lane(job->loop_);
  if (is_dropped(*job)) return job->settle(Fate::draining);
  if (waiting_.fetch_add(1) >= job->plan_.settings.queue) {
    --waiting_;
    return job->settle(Fate::queue_full);
  }
  own.queue.push_back(std::move(job));
  // Not now: the answer stands in the connection's buffer and goes out before the loop does anything else.
  if (!std::exchange(own.is_pumping, true)) own.loop.post([self = shared_from_this(), &own] { self->pump(own); });
}

// ------------------------------------------------------------------------------------------------------------- running them

// One a turn of the loop, so that live requests get theirs in between.
void Shadow::pump(Lane& lane) {
  lane.is_pumping = !lane.queue.empty();
  if (!lane.is_pumping) return;
  const auto& plan = lane.queue.front()->plan_;
  const auto& handler = *plan.arms[lane.queue.front()->other_arm_].handler;
  if (running_.fetch_add(1) >= plan.settings.concurrency || handler.is_backed_up()) {
    running_.fetch_sub(1);
    lane.loop.wheel().arm(lane, lane.loop.coarse_now() + kRetry);
    return;
  }
  auto job = std::move(lane.queue.front());
  lane.queue.pop_front();
  --waiting_;
  lane.tasks.spawn(run(lane, std::move(job)));
  pump_soon(lane);
}

void Shadow::pump_soon(Lane& lane) {
  lane.disarm();
  lane.is_pumping = !lane.queue.empty();
  if (lane.is_pumping) lane.loop.post([self = shared_from_this(), &lane] { self->pump(lane); });
}

Task<void> Shadow::execute(Lane& lane, const ShadowJob& job, std::size_t arm, Run& run) const {
  const auto& plan = job.plan_;
  http::Request request;
  KeptBody body(job.body_);
  job.fill(request, body);
  service::Call call(lane.loop, job.peer_);
  call.started = std::chrono::steady_clock::now();
  std::copy(job.id_.begin(), job.id_.end(), call.id_bytes.begin());
  call.id_length = static_cast<std::uint8_t>(job.id_.size());
  call.table = job.table_;
  call.route = plan.route;
  call.arm = plan.arms[arm].name;
  call.is_shadow = true;
  call.trial.wants_cpu = true;
  const Registered registered(lane.running, call);
  const auto timeout = plan.settings.timeout.value_or(
      std::clamp(std::chrono::duration_cast<Milliseconds>(2 * lane.p99), kMinTimeout, kMaxTimeout));
  const Deadline deadline(call, call.started + timeout);
  if (is_dropped(job)) call.cancel();
  try {
    auto outcome = plan.arms[arm].handler->handle(request, call);
    std::optional<http::Response> response;
    if (outcome.ready()) {
      response.emplace(std::move(outcome.response()));
    } else {
      auto task = std::move(outcome.task());
      auto answer = co_await task;
      response.emplace(std::move(answer));
    }
    note_head(run.answer, *response);
    run.is_complete = response->session() == nullptr;
    if (auto* stream = response->stream()) {
      run.is_complete = false;
      while (true) {
        auto reading = stream->read();
        const auto piece = co_await reading;
        if (!piece) break;
        run.answer.append(*piece);
        run.is_complete = piece->empty();
        if (run.is_complete) break;
      }
    } else {
      run.answer.append(response->body_text());
    }
  } catch (const std::exception&) {
    run.answer = {};
    run.answer.status = 500;  // what the client would have seen
    run.is_complete = true;
  }
  run.timed_out = deadline.has_passed();
  run.is_complete = run.is_complete && !call.cancelled;
  run.cpu = call.cpu_time;
  seconds_.record(std::chrono::steady_clock::now() - call.started);
}

Task<void> Shadow::run(Lane& lane, std::shared_ptr<ShadowJob> job) {
  const auto& plan = job->plan_;
  if (lane.loop.coarse_now() - lane.p99_known > std::chrono::seconds(1)) {
    lane.p99_known = lane.loop.coarse_now();
    if (const auto* metrics = plan.arms[plan.control].metrics)
      lane.p99 = Nanoseconds(static_cast<std::int64_t>(metrics->total().quantile_ns(0.99)));
  }
  // Of some, control runs again, before or after the candidate: what differs then is noise. Each run has to find nobody
  // waiting at its own backend.
  const bool is_triple = job->live_arm_ == plan.control &&
                         static_cast<double>(random_bits() >> 11) * 0x1p-53 < plan.settings.noise &&
                         may_begin(*job, plan.control);
  const bool is_control_first = is_triple && (random_bits() & 1) != 0;
  Run other, again;
  if (is_control_first) {
    auto running = execute(lane, *job, plan.control, again);
    co_await running;
  }
  const bool may_run = is_control_first ? may_begin(*job, job->other_arm_) : !is_dropped(*job);
  if (may_run) {
    auto running = execute(lane, *job, job->other_arm_, other);
    co_await running;
  }
  if (may_run && is_triple && !is_control_first && may_begin(*job, plan.control)) {
    auto second = execute(lane, *job, plan.control, again);
    co_await second;
  }
  lane.cpu_seconds -= std::chrono::duration<double>(other.cpu + again.cpu).count();
  if (may_run)
    conclude(*job, std::move(other), std::move(again));
  else
    put_back(lane, job);
  running_.fetch_sub(1);
  if (lane.armed() || !std::exchange(lane.is_pumping, true)) pump_soon(lane);
  lane.loop.post([job] {});  // the last job may hold the last of this: not while its task runs
}

// Its turn comes again.
void Shadow::put_back(Lane& lane, std::shared_ptr<ShadowJob> job) {
  if (is_dropped(*job)) return job->settle(Fate::draining);
  ++waiting_;
  lane.queue.push_front(std::move(job));
}

bool Shadow::may_begin(const ShadowJob& job, std::size_t arm) const {
  return !is_dropped(job) && !job.plan_.arms[arm].handler->is_backed_up();
}

void Shadow::conclude(ShadowJob& job, Run other, Run again) {
  const auto& plan = job.plan_;
  const bool is_control_live = job.live_arm_ == plan.control;
  const auto& candidate = plan.arms[plan.candidate].name;
  if (is_dropped(job)) return job.settle(Fate::draining);
  if (!other.is_complete) {
    if (is_control_live) look(job);
    comparer_.findings().add(candidate, Outcome::error);
    return job.settle(other.timed_out ? Fate::timeout : Fate::error);
  }
  AnswerPair pair;
  pair.rules = plan.rules;
  pair.candidate = candidate;
  pair.sample.unix_ms = std::chrono::duration_cast<Milliseconds>(SystemClock().wall().time_since_epoch()).count();
  pair.sample.request.append(job.view(job.method_text_))
      .append(" ")
      .append(utf8_prefix(job.view(job.path_), kSamplePathBytes));
  pair.sample.request_id = job.id_;
  pair.of_control = std::move(is_control_live ? job.live_ : other.answer);
  pair.of_candidate = std::move(is_control_live ? other.answer : job.live_);
  if (again.is_complete) pair.again = std::move(again.answer);
  comparer_.add(std::move(pair), job.loop_.index());
  job.settle(Fate::done);
}

// ------------------------------------------------------------------------------------------------------------ from outside

void Shadow::set_running(bool is_running) {
  if (is_running_.exchange(is_running) && !is_running) drop();
}

void Shadow::stop() {
  stopping_ = true;
  drop();
  comparer_.stop();
}

void Shadow::drop() {
  ++drops_;
  comparer_.drop();
  const std::lock_guard lock(mutex_);
  for (const auto& [loop, its_lane] : known_lanes_)
    loop->post([self = shared_from_this(), lane = its_lane] {
      self->waiting_ -= lane->queue.size();
      for (const auto& job : std::exchange(lane->queue, {})) job->settle(Fate::draining);
      for (auto* call : std::vector(lane->running)) call->cancel();
      // Nothing holds this any more: it may be destroyed on another thread, which must find no timer of this loop armed.
      if (lane->armed()) lane->is_pumping = false;
      lane->disarm();
    });
}

bool Shadow::is_dropped(const ShadowJob& job) const { return stopping_ || !is_running_ || job.drops_ != drops_; }

std::uint64_t Shadow::count(Fate fate) const {
  return fates_[static_cast<std::size_t>(fate)].load(std::memory_order_relaxed);
}

void Shadow::append_metrics(std::string& out, std::string_view route) const {
  out +=
      "# HELP tandem_shadow_total Live requests of an experiment with a shadow, by what became of it.\n# TYPE "
      "tandem_shadow_total counter\n";
  const auto label = "route=\"" + observe::escape_label(route) + "\"";
  for (std::size_t i = 0; i < kFates; ++i) {
    std::string labels =
        label + ",result=\"" + std::string(kFateNames[i].result) + "\",reason=\"" + std::string(kFateNames[i].reason) + "\"";
    observe::append_sample(out, "tandem_shadow_total", labels, static_cast<std::int64_t>(count(static_cast<Fate>(i))));
  }
  out += "# HELP tandem_shadow_seconds Time that shadows took.\n# TYPE tandem_shadow_seconds histogram\n";
  std::vector<std::uint64_t> borders;
  for (unsigned power = 12; power <= 33; ++power) borders.push_back(std::uint64_t{1} << power);
  observe::append_histogram(out, "tandem_shadow_seconds", label, seconds_.snapshot(), borders);
}

}  // namespace tandem::experiment
