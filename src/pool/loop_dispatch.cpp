#include "pool/loop_dispatch.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "http/problem.hpp"
#include "pool/pool_backend.hpp"
#include "pool/request_frame.hpp"

namespace tandem::pool {
namespace {

constexpr std::uint64_t kSlotMask = (std::uint64_t{1} << Dispatch::kSlotBits) - 1;

TimePoint now_exactly() { return std::chrono::steady_clock::now(); }

void set_timing(service::Call& call, Kind kind, const frames::Timing& timing) {
  call.is_cpu_sampled = kind == Kind::async;
  call.handler_time = Nanoseconds(timing.handler_ns);
  call.cpu_time = Nanoseconds(timing.cpu_ns);
  call.gil_time = Nanoseconds(timing.gil_ns);
}

// The worker has checked the lines. The commonest sets need no memory of their own.
void set_fields(http::Response& response, std::string_view lines) {
  if (lines == "Content-Type: application/json\r\n")
    response.content_type = http::kApplicationJson;
  else if (lines == "Content-Type: text/plain; charset=utf-8\r\n")
    response.content_type = http::kTextPlain;
  else
    response.headers.append_wire(lines);
}

http::Response stopping(const service::Call& call) {
  return http::problem_response(http::Problem(503, "server.stopping", "the server is stopping"), call.id());
}

}  // namespace

// ------------------------------------------------------------------------------------------------- those that wait for the
// loop

void Job::expired() { home->job_expired(*this); }

Sleeper::~Sleeper() {
  if (is_woken) home.scrub(*this);
}

Waiter::~Waiter() {
  if (job == nullptr) return;
  if (job->receiver)
    job->waiter = nullptr;  // the answer goes on alone
  else
    home.abandon(*job);
}

void Waiter::notify() { home.wake(*this); }

// The caller is in the middle of something that the answer may end, so the coroutine goes on a little later.
void Waiter::cancel() {
  if (job) home.abandon(*job);
  response.emplace(http::kClientGone);
  notify();
  home.resume_later();
}

// ---------------------------------------------------------------------------------------------------------------------
// requests

LoopDispatch::LoopDispatch(Loop& loop, unsigned index, const PoolOptions& options, Dispatch& dispatch, Overseer& overseer,
                           observe::Registry& registry, const std::vector<std::unique_ptr<LoopDispatch>>& siblings)
    : loop_(loop),
      index_(index),
      options_(options),
      dispatch_(dispatch),
      overseer_(overseer),
      siblings_(siblings),
      rejected_full_(
          registry.counter("tandem_rejected_total", "Requests refused before they ran.", "reason=\"queue_full\"")),
      rejected_waited_(
          registry.counter("tandem_rejected_total", "Requests refused before they ran.", "reason=\"queue_timeout\"")) {
  handout_.own = index;
}

LoopDispatch::~LoopDispatch() = default;

Job* LoopDispatch::take_job() {
  if (free_.empty()) {
    if (jobs_.size() > kSlotMask) return nullptr;
    return &jobs_.emplace_back(this, index_, static_cast<std::uint32_t>(jobs_.size()));
  }
  Job* const job = free_.back();
  free_.pop_back();
  return job;
}

void LoopDispatch::put_job(Job& job) {
  job.disarm();
  job.waiter = nullptr;
  job.receiver = nullptr;
  job.is_closed = false;
  if (auto* const upload = std::exchange(job.upload, nullptr)) upload->end();
  job.request = nullptr;
  job.sent_id = 0;
  job.timing = {};
  job.deadline = Job::Deadline::none;
  free_.push_back(&job);
}

Job* LoopDispatch::find_job(std::uint64_t id) {
  const auto slot = id & kSlotMask;
  if (id == 0 || slot >= jobs_.size() || jobs_[slot].sent_id != id) return nullptr;
  return &jobs_[slot];
}

void LoopDispatch::submit(Waiter& waiter) {
  if (waiter.call.cancelled) {
    waiter.response.emplace(http::kClientGone);
    return;
  }
  if (shut_) {
    waiter.response = stopping(waiter.call);
    return;
  }
  const auto now = now_exactly();
  waiter.submitted = now;
  Job* const job = take_job();
  auto placed = Dispatch::Placed::full;
  if (job) {
    job->endpoint = waiter.endpoint;
    job->whole_body = !waiter.upload;
    job->waiter = &waiter;
    job->request = &waiter.request;
    waiter.job = job;
    if (waiter.upload) {
      job->upload = waiter.upload.get();
      job->upload->job = job;
    }
    placed = dispatch_.submit(*job, now);
  }
  switch (placed) {
    case Dispatch::Placed::sent:
      send(*job, now);
      break;
    case Dispatch::Placed::queued:
      arm(*job, Job::Deadline::queue, now + options_.queue_timeout);
      break;
    case Dispatch::Placed::full:
      if (job) put_job(*job);
      waiter.job = nullptr;
      rejected_full_.add(index_);
      waiter.response = http::problem_response(
          http::Problem(503, "overload.queue_full", "too many requests wait for a worker already"), waiter.call.id());
      break;
  }
}

void LoopDispatch::send(Job& job, TimePoint now) {
  Waiter& waiter = *job.waiter;
  Lane& lane = *job.executor->lanes[index_];
  job.sent_id = job.id;
  job.sent_at = now;
  job.timeout = waiter.timeout;
  waiter.call.queue_time = now - waiter.submitted;
  RequestFacts facts;
  facts.id = job.id;
  facts.endpoint = job.endpoint;
  facts.timeout_ms = static_cast<std::uint32_t>(std::chrono::duration_cast<Milliseconds>(waiter.timeout).count());
  facts.streamed = job.upload != nullptr;
  facts.websocket = waiter.websocket;
  append_request(lane.output(), facts, waiter.request, waiter.call, waiter.body);
  job.disarm();  // it may have waited in the queue
  job.deadline = Job::Deadline::none;
  if (waiter.timeout != kNoTimeout) arm(job, Job::Deadline::answer, now + waiter.timeout);
  if (job.upload) job.upload->on_sent();
}

void LoopDispatch::send_body(Job& job, std::string_view bytes, bool last) {
  append_body(job.executor->lanes[index_]->output(), job.sent_id, bytes, last);
}

void LoopDispatch::upload_failed(Job& job, const Error& error) {
  Waiter* const waiter = job.waiter;
  const bool answered = waiter == nullptr || waiter->response;
  if (job.receiver) std::exchange(job.receiver, nullptr)->end(error);
  abandon(job);
  if (!answered) {
    waiter->response = http::problem_response(http::problem_of(error), waiter->call.id());
    waiter->notify();
  }
  resume_later();  // the caller is the reader of the body, which the answer's end destroys
}

void LoopDispatch::send_message(Job& job, std::string_view bytes, bool text, bool last) {
  const auto flags = static_cast<std::uint8_t>((text ? frames::kText : 0) | (last ? frames::kEnd : 0));
  frames::append_frame(job.executor->lanes[index_]->output(), frames::Type::message, flags, job.sent_id, bytes);
}

void LoopDispatch::send_close(Job& job, const http::CloseReason& reason) {
  frames::Close close;
  close.code = reason.code;
  std::string payload(frames::bytes_of(close));
  payload += reason.text;
  frames::append_frame(job.executor->lanes[index_]->output(), frames::Type::close, 0, job.sent_id, payload);
  job.receiver = nullptr;
  job.is_closed = true;
  dispatch_.note_left(job);
}

void LoopDispatch::send_credit(Job& job, std::uint32_t bytes) {
  frames::append_u32(job.executor->lanes[index_]->output(), frames::Type::credit, job.sent_id, bytes);
}

void LoopDispatch::arm(Job& job, Job::Deadline kind, TimePoint at) {
  job.deadline = kind;
  loop_.wheel().arm(job, at);
}

// ------------------------------------------------------------------------------------------------------------------- giving
// up

void LoopDispatch::abandon(Job& job) {
  if (auto* const waiter = std::exchange(job.waiter, nullptr)) waiter->job = nullptr;
  if (auto* const upload = std::exchange(job.upload, nullptr)) upload->end();
  if (auto* const receiver = std::exchange(job.receiver, nullptr))
    receiver->end(Error("client.gone", "the client closed the connection"));
  if (job.sent_id != 0) {
    cancel_at_worker(job, frames::CancelReason::client_gone);
    dispatch_.note_left(job);
    if (!job.armed() && job.timeout != kNoTimeout) arm(job, Job::Deadline::answer, now_exactly() + job.timeout);
  } else if (dispatch_.withdraw(job)) {
    put_job(job);
  }  // else it is in the inbox: send_mine finds that nobody waits
}

void LoopDispatch::cancel_at_worker(Job& job, frames::CancelReason reason) {
  Lane& lane = *job.executor->lanes[index_];
  lane.flush();  // the request itself should not arrive later than this
  overseer_.cancel(lane.link(), job.sent_id, reason);
}

void LoopDispatch::job_expired(Job& job) {
  switch (std::exchange(job.deadline, Job::Deadline::none)) {
    case Job::Deadline::none:
      break;
    case Job::Deadline::queue:
      if (!dispatch_.withdraw(job)) {  // another thread has just found an executor for it; should that die, it waits again
        arm(job, Job::Deadline::queue, now_exactly() + TimerWheel::kTick);
        break;
      }
      rejected_waited_.add(index_);
      answer_problem(job, 503, "overload.queue_timeout", "no worker had time for the request");
      if (job.waiter) job.waiter->job = nullptr;
      put_job(job);
      break;
    case Job::Deadline::answer:
      if (auto* const waiter = job.waiter) {
        answer_problem(job, 504, "python.timeout", "the endpoint did not answer in time");
        waiter->job = nullptr;
        job.waiter = nullptr;
      }
      // An application may have gone on although its client had left: not longer than this.
      cancel_at_worker(job, frames::CancelReason::out_of_time);
      arm(job, Job::Deadline::grace, now_exactly() + options_.stuck_grace);
      break;
    case Job::Deadline::grace:
      dispatch_.note_overdue(job);
      overseer_.stuck(job.executor->lanes[index_]->link(), job.sent_id, options_.endpoints[job.endpoint].target);
      break;
  }
  resume_woken();
}

// ---------------------------------------------------------------------------------------------------------------------
// answers

void LoopDispatch::on_frame(Lane& lane, const frames::Reader::Frame& frame) {
  Job* const job = find_job(frame.header.id);
  if (job == nullptr || job->executor != &lane.executor()) return;
  auto payload = frame.payload;
  switch (frame.header.type) {
    case frames::Type::response_head:
      on_response_head(*job, frame);
      break;
    case frames::Type::informational:
      on_informational(*job, payload);
      break;
    case frames::Type::response_body:
      if (job->receiver)
        job->receiver->receive(frame);
      else if (job->waiter && job->waiter->partial)
        std::get<std::string>(job->waiter->partial->body).append(payload);
      break;
    case frames::Type::response_end:
      frames::take(payload, job->timing);
      if (job->receiver) {
        set_timing(job->receiver->call, job->kind, job->timing);
        std::exchange(job->receiver, nullptr)->end(std::nullopt);
      } else if (job->waiter && job->waiter->partial) {
        answer(*job, std::move(*job->waiter->partial));
      }
      end(*job);
      break;
    case frames::Type::error:
      on_error(*job, payload);
      break;
    case frames::Type::request_credit: {
      std::uint32_t bytes = 0;
      if (job->upload && frames::take(payload, bytes))
        job->upload->on_credit(bytes);
      else if (job->receiver)
        job->receiver->receive(frame);
      break;
    }
    case frames::Type::worker_message:
    case frames::Type::worker_close:
      if (job->receiver) job->receiver->receive(frame);
      break;
    default:
      break;
  }
}

// 100 is the connection's own word, and 101 is none that another follows.
void LoopDispatch::on_informational(Job& job, std::string_view payload) {
  const Waiter* const waiter = job.waiter;
  frames::ResponseHead head;
  if (!waiter || waiter->response || waiter->partial || !waiter->call.interim || !frames::take(payload, head)) return;
  if (head.status > 101 && head.status <= 199 && head.fields_length <= payload.size())
    waiter->call.interim->send(head.status, payload.substr(0, head.fields_length));
}

void LoopDispatch::on_response_head(Job& job, const frames::Reader::Frame& frame) {
  auto payload = frame.payload;
  const bool ends = (frame.header.flags & frames::kEnd) != 0;
  frames::ResponseHead head;
  const bool streamed = !ends && (frame.header.flags & frames::kStreamed);
  const bool upgrades = frames::take(payload, head) && head.status == 101 && streamed && job.waiter && job.waiter->websocket;
  const bool sane = head.fields_length <= payload.size() && (upgrades || (head.status >= 200 && head.status <= 999));
  if (ends) job.timing = head.timing;
  if (Waiter* const waiter = job.waiter; waiter && !waiter->response && !waiter->partial) {
    if (sane) {
      http::Response response(head.status);
      set_fields(response, payload.substr(0, head.fields_length));
      payload.remove_prefix(head.fields_length);
      std::optional<std::uint64_t> length;
      if (head.content_length != std::numeric_limits<std::uint64_t>::max()) length = head.content_length;
      if (ends) {
        if (!payload.empty()) response.body.emplace<std::string>(payload);
        answer(job, std::move(response));
      } else if (upgrades) {
        auto socket = std::make_unique<PoolSocket>(*this, job, waiter->call);
        job.receiver = socket.get();
        job.disarm();
        dispatch_.note_open(job, now_exactly(), handout_);
        response.body.emplace<std::unique_ptr<http::WebSocketSession>>(std::move(socket));
        answer(job, std::move(response));
      } else if (streamed) {
        auto stream = std::make_unique<PoolStream>(*this, job, waiter->call, length, std::move(waiter->upload));
        job.receiver = stream.get();
        job.disarm();  // from here on the client's patience decides
        if (!length) dispatch_.note_open(job, now_exactly(), handout_);
        stream->append(payload);
        response.body.emplace<std::unique_ptr<http::ResponseStream>>(std::move(stream));
        answer(job, std::move(response));
      } else {
        static constexpr std::uint64_t kReserve = 16 * 1024 * 1024;
        std::string gathered;
        if (length) gathered.reserve(static_cast<std::size_t>(std::min(*length, kReserve)));
        gathered.append(payload);
        response.body.emplace<std::string>(std::move(gathered));
        waiter->partial.emplace(std::move(response));
      }
    } else {
      answer_problem(job, 500, "python.bad_response", "the worker's answer makes no sense");
    }
  }
  if (ends) end(job);
}

void LoopDispatch::on_error(Job& job, std::string_view payload) {
  frames::ErrorHead head;
  const bool sane = frames::take(payload, head) && head.status >= 400 && head.status <= 599;
  if (!sane) {
    answer_problem(job, 500, "python.bad_response", "the worker's answer makes no sense");
    fail_stream(job, Error("python.bad_response", "the worker's answer makes no sense"));
    end(job);
    return;
  }
  job.timing = head.timing;
  const auto code = frames::at(payload, head.code);
  const auto detail = frames::at(payload, head.detail);
  const auto traceback = frames::at(payload, head.traceback);
  const service::Call* const call = job.waiter ? &job.waiter->call : job.receiver ? &job.receiver->call : nullptr;
  if (!traceback.empty() && (call || job.is_closed)) {
    std::string text("[");
    text.append(call ? call->id() : "-")
        .append("] ")
        .append(options_.endpoints[job.endpoint].target)
        .append(": ")
        .append(code);
    overseer_.log_error(text.append("\n").append(traceback));
  }
  fail_stream(job, Error(std::string(code), std::string(detail)));
  if (job.waiter && !job.waiter->response) {
    http::Problem problem(head.status, code, std::string(detail));
    if (call->debug) problem.traceback = traceback;
    auto response = http::problem_response(problem, call->id());
    response.headers.append_wire(frames::at(payload, head.headers));
    answer(job, std::move(response));
  }
  end(job);
}

void LoopDispatch::answer(Job& job, http::Response response) {
  Waiter& waiter = *job.waiter;
  set_timing(waiter.call, job.kind, job.timing);
  waiter.response.emplace(std::move(response));
  waiter.notify();
}

void LoopDispatch::answer_problem(Job& job, int status, std::string_view code, std::string detail) {
  if (job.waiter == nullptr || job.receiver) return;
  answer(job, http::problem_response(http::Problem(status, code, std::move(detail)), job.waiter->call.id()));
}

// A stream of which nothing has left yet is taken back, so that the client can be told properly.
void LoopDispatch::fail_stream(Job& job, Error error) {
  if (job.receiver == nullptr) return;
  std::exchange(job.receiver, nullptr)->end(std::move(error));
  if (job.waiter) job.waiter->response.reset();
}

// The worker is done with it.
void LoopDispatch::end(Job& job) {
  if (auto* const waiter = std::exchange(job.waiter, nullptr)) {
    waiter->job = nullptr;
    if (!waiter->response) {  // ended without an answer: a protocol error
      waiter->response = http::problem_response(
          http::Problem(500, "python.bad_response", "the worker ended the request without an answer"), waiter->call.id());
    }
    waiter->notify();
  }
  if (auto* const upload = std::exchange(job.upload, nullptr)) upload->end();
  job.sent_id = 0;
  ended_.push_back(&job);
}

void LoopDispatch::after_frames() {
  if (!ended_.empty() || !handout_.is_empty()) release_ended(now_exactly());
  resume_woken();
}

// Room first, so that the executor's next request leaves together with whatever the answers bring about.
void LoopDispatch::release_ended(TimePoint now) {
  do {
    dispatch_.release(ended_, now, handout_);
    for (Job* const job : ended_) put_job(*job);
    ended_.clear();
    send_mine(now);
  } while (!ended_.empty());
  pass_on(handout_, overseer_, siblings_);
}

void LoopDispatch::send_mine(TimePoint now) {
  while (Job* const job = handout_.mine.pop()) {
    if (job->waiter && !shut_) {
      send(*job, now);
      continue;
    }
    if (job->waiter) answer(*job, stopping(job->waiter->call));
    end(*job);
  }
}

void LoopDispatch::pass_on(Handout& handout, Overseer& overseer,
                           const std::vector<std::unique_ptr<LoopDispatch>>& siblings) {
  for (const unsigned index : handout.wake) {
    LoopDispatch* const sibling = siblings[index].get();
    sibling->loop().post([sibling] { sibling->collect_inbox(); });
  }
  handout.wake.clear();
  if (std::exchange(handout.take_back, false)) overseer.take_back();
}

void LoopDispatch::collect_inbox() {
  dispatch_.take_inbox(handout_);
  const auto now = now_exactly();
  send_mine(now);
  release_ended(now);
  resume_woken();
}

void LoopDispatch::revoked(std::uint64_t id) {
  Job* const job = find_job(id);
  if (job == nullptr) return;
  const auto now = now_exactly();
  if (job->waiter && job->whole_body && !shut_) {
    job->sent_id = 0;
    arm(*job, Job::Deadline::queue, now + options_.queue_timeout);
    dispatch_.give_back(*job, now, handout_);
    send_mine(now);
  } else {
    answer_problem(*job, 502, "python.worker_died", "the worker gave the request back after its body had been sent");
    end(*job);
  }
  release_ended(now);
  resume_woken();
}

// -----------------------------------------------------------------------------------------------------------------------
// lanes

void LoopDispatch::attach(std::shared_ptr<WorkerLink> link) {
  has_run_ = true;
  const auto loops = siblings_.size();
  for (auto& executor : link->executors) {
    Descriptor end = std::move(link->lane_ends[executor.index * loops + index_]);
    if (shut_) continue;
    lanes_.push_back(std::make_unique<Lane>(*this, link, executor, std::move(end)));
    executor.lanes[index_] = lanes_.back().get();
    lanes_.back()->start();
  }
  if (link->attached.fetch_add(1) + 1 < loops) return;
  const auto now = now_exactly();
  dispatch_.open(*link, now, handout_);
  send_mine(now);
  release_ended(now);
  resume_woken();
}

void LoopDispatch::detach(const WorkerLink& link) {
  for (const auto& lane : lanes_)
    if (lane->link().get() == &link) lane->drain();
}

void LoopDispatch::lane_ended(Lane& lane) {
  const auto now = now_exactly();
  lane.close();
  dispatch_.close(*lane.link(), now, handout_);
  for (auto& job : jobs_) {
    if (job.sent_id == 0 || job.executor != &lane.executor()) continue;
    fail_stream(job, Error("python.worker_died", "the worker died"));
    if (job.waiter && !job.waiter->response)
      answer_problem(job, 502, "python.worker_died", "the worker died while it held the request");
    end(job);
  }
  send_mine(now);
  release_ended(now);
  overseer_.lane_lost(lane.link());
  lane.executor().lanes[index_] = nullptr;
  resume_woken();
  forget_if_settled(lane);
}

void LoopDispatch::forget_if_settled(Lane& lane) {
  if (!lane.closed() || !lane.settled()) return;
  std::erase(dirty_, &lane);
  std::erase_if(lanes_, [&](const auto& one) { return one.get() == &lane; });
}

void LoopDispatch::schedule_flush(Lane& lane) {
  dirty_.push_back(&lane);
  if (std::exchange(flush_posted_, true)) return;
  loop_.post([this] { flush(); });
}

void LoopDispatch::flush() {
  flush_posted_ = false;
  for (std::size_t i = 0; i < dirty_.size(); ++i) dirty_[i]->flush();
  dirty_.clear();
}

void LoopDispatch::shut() {
  shut_ = true;
  dispatch_.take_inbox(handout_);
  const auto now = now_exactly();
  send_mine(now);
  for (auto& job : jobs_) {
    if (job.waiter == nullptr || job.sent_id != 0 || !dispatch_.withdraw(job)) continue;
    answer(job, stopping(job.waiter->call));
    job.waiter->job = nullptr;
    put_job(job);
  }
  while (!lanes_.empty()) {
    const auto open = std::find_if(lanes_.begin(), lanes_.end(), [](const auto& lane) { return !lane->closed(); });
    if (open == lanes_.end()) break;
    lane_ended(**open);
  }
  release_ended(now);
  resume_woken();
}

// What belongs to the client is looked at only while it is there.
void LoopDispatch::list_requests(std::vector<RequestState>& found) const {
  const auto now = now_exactly();
  const auto seconds_since = [now](TimePoint then) { return std::chrono::duration<double>(now - then).count(); };
  for (const auto& job : jobs_) {
    const service::Call* const call = job.waiter ? &job.waiter->call : job.receiver ? &job.receiver->call : nullptr;
    if (call == nullptr && job.sent_id == 0) continue;
    RequestState one;
    one.endpoint = options_.endpoints[job.endpoint].target;
    one.age_seconds = seconds_since(call ? call->started : job.sent_at);
    if (job.sent_id != 0) one.pid = job.executor->link->pid;
    if (call) {
      one.id = call->id();
      one.route = call->route;
      one.method = job.request->method_text;
      one.path = job.request->path;
    }
    one.state = !call ? "cancelled" : job.receiver ? "streaming" : job.sent_id != 0 ? "running" : "queued";
    found.push_back(std::move(one));
  }
}

// -------------------------------------------------------------------------------------------------------------------
// coroutines

void LoopDispatch::wake(Sleeper& sleeper) {
  if (!sleeper.sleeping || std::exchange(sleeper.is_woken, true)) return;
  woken_.push_back(&sleeper);
}

void LoopDispatch::scrub(Sleeper& sleeper) {
  std::replace(woken_.begin(), woken_.end(), &sleeper, static_cast<Sleeper*>(nullptr));
}

void LoopDispatch::resume_later() {
  if (std::exchange(resume_posted_, true)) return;
  loop_.post([this] {
    resume_posted_ = false;
    resume_woken();
  });
}

// What a resumed coroutine does may wake others, which the same walk then reaches.
void LoopDispatch::resume_woken() {
  if (resuming_) return;
  resuming_ = true;
  for (std::size_t i = 0; i < woken_.size(); ++i) {
    Sleeper* const sleeper = woken_[i];
    if (sleeper == nullptr) continue;
    woken_[i] = nullptr;
    sleeper->is_woken = false;
    std::exchange(sleeper->sleeping, {}).resume();
  }
  woken_.clear();
  resuming_ = false;
}

}  // namespace tandem::pool
