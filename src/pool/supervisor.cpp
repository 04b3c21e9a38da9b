#include "pool/supervisor.hpp"

#include <signal.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "pool/handshake.hpp"

namespace tandem::pool {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr Milliseconds kTick{20};
constexpr auto kExitGrace = 1s;     // between the end of its control socket and its exit
constexpr auto kDrainGrace = 10s;   // for atexit handlers, once nothing runs any more
constexpr auto kKillGrace = 500ms;  // between the last kill and giving up on a thread

TimePoint now_exactly() { return std::chrono::steady_clock::now(); }

std::string_view format_state(Worker::State state) {
  switch (state) {
    case Worker::State::starting:
      return "starting";
    case Worker::State::ready:
      return "ready";
    case Worker::State::draining:
      return "draining";
    case Worker::State::stuck:
      return "stuck";
  }
  return "";
}

}  // namespace

Supervisor::Supervisor(const PoolOptions& options, const WorkerProgram& program, Dispatch& dispatch,
                       const std::vector<std::unique_ptr<LoopDispatch>>& loops, observe::Registry& registry)
    : options_(options),
      program_(program),
      dispatch_(dispatch),
      loops_(loops),
      registry_(registry),
      gil_wait_(registry.histogram("tandem_python_gil_wait_seconds",
                                   "How long a thread of a worker waited for the interpreter's lock, asked once a second.",
                                   "pool=\"" + observe::escape_label(options.name) + "\"")),
      slots_(std::max(options.workers, options.max_workers)),
      random_(std::random_device{}()) {
  for (std::size_t i = 0; i < restarts_.size(); ++i) {
    restarts_[i] = &registry.counter(
        "tandem_python_restarts_total", "Workers that were replaced.",
        "pool=\"" + observe::escape_label(options.name) + "\",reason=\"" + std::string(kRestartReasons[i]) + "\"");
  }
  for (unsigned slot = 0; slot < options.workers; ++slot) slots_[slot].wanted = true;
  if (options.max_workers > options.workers)
    scaling_.emplace(options.workers, options.max_workers, options.idle_timeout, now_exactly());
}

Supervisor::~Supervisor() { stop(TimePoint::min()); }

// ----------------------------------------------------------------------------------------------------------- start, stop,
// views

Result<void> Supervisor::start() {
  thread_ = std::thread([this] {
    for (unsigned slot = 0; slot < slots_.size(); ++slot)
      if (slots_[slot].wanted) start_slot(slot);
    schedule_tick();
    context_.run();
  });
  std::unique_lock lock(mutex_);
  started_.wait(lock, [this] { return start_result_.has_value(); });
  auto result = *start_result_;
  lock.unlock();
  if (!result) stop(TimePoint::min());
  return result;
}

void Supervisor::give_up_start() {
  asio::post(context_, [this] {
    start_given_up_ = start_given_up_ || starting_;
    report_start(Error("server.stopping", "the start was given up"));
  });
}

void Supervisor::report_start(Result<void> result) {
  if (!std::exchange(starting_, false)) return;
  const std::lock_guard lock(mutex_);
  start_result_.emplace(std::move(result));
  started_.notify_all();
}

void Supervisor::stop(TimePoint deadline) {
  if (!thread_.joinable()) return;
  asio::post(context_, [this, deadline] {
    stopping_ = true;
    stop_at_ = deadline;
    gave_up_ = deadline <= now_exactly();  // there is no time for anything
    for (auto& slot : slots_) slot.start_at = TimePoint::max();
    tick_stop(now_exactly());
  });
  thread_.join();
  for (auto& slot : slots_) slot = Slot();
  workers_.clear();
  publish();
}

void Supervisor::tick_stop(TimePoint now) {
  if (!draining_ && (now >= stop_at_ || dispatch_.idle())) {
    draining_ = true;
    for (const auto& worker : std::vector(workers_)) {
      if (worker->state == Worker::State::starting)
        kill(*worker);
      else
        retire(*worker);
    }
  }
  if (draining_ && !gave_up_ && now >= stop_at_) {
    gave_up_ = true;
    stop_at_ = now + kStuckMercy;
    for (const auto& worker : workers_)
      if (dispatch_.load(*worker->link).in_flight > 0) give_up_requests(*worker, now);
  } else if (draining_ && !killed_ && now >= stop_at_) {
    killed_ = true;
    stop_at_ = now + kKillGrace;
    for (const auto& worker : std::vector(workers_)) kill(*worker);
  } else if (killed_ && now >= stop_at_) {
    for (const auto& worker : workers_) log().error("{}: does not end, left behind", worker->name);
    workers_.clear();
  }
  if (workers_.empty()) context_.stop();
}

void Supervisor::publish() {
  std::vector<WorkerBoard::Entry> entries;
  for (const auto& worker : workers_) {
    auto& entry = entries.emplace_back();
    entry.state.pid = worker->pid;
    entry.state.name = worker->name;
    entry.state.state = format_state(worker->state);
    entry.state.rss_bytes = worker->rss_bytes;
    entry.state.restarts = slots_[worker->slot].restarts;
    entry.state.gil_wait_seconds = std::chrono::duration<double>(worker->gil_wait).count();
    entry.link = worker->link;
    entry.started_at = worker->started_at;
    entry.pinged_at = worker->pinged_at;
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].start_at == TimePoint::max()) continue;
    auto& entry = entries.emplace_back();
    entry.state.name = options_.name + "-" + std::to_string(i);
    entry.state.state = "backing_off";
    entry.state.restarts = slots_[i].restarts;
  }
  board_.publish(std::move(entries));
}

std::vector<WorkerStacks> Supervisor::stacks(Milliseconds patience) {
  const auto answers = std::make_shared<StackQueries::Answers>();
  asio::post(context_, [this, answers] { stack_queries_.ask(workers_, answers, now_exactly()); });
  return answers->wait(patience);
}

std::vector<std::string> Supervisor::interfaces() const {
  const std::lock_guard lock(mutex_);
  return interfaces_;
}

// ----------------------------------------------------------------------------------------------------------------------
// workers

std::shared_ptr<Worker> Supervisor::launch(unsigned slot) {
  auto worker = std::make_shared<Worker>(context_, static_cast<Worker::Events&>(*this), options_, slot, loops_.size());
  worker->limits = draw_wear_limits(options_, random_);
  if (const auto started = worker->start(program_); !started) {
    start_failed(*worker, started.error().message);
    return nullptr;
  }
  workers_.push_back(worker);
  dispatch_.add_link(worker->link);
  return worker;
}

void Supervisor::start_slot(unsigned slot) {
  slots_[slot].start_at = TimePoint::max();
  if (slots_[slot].current)
    slots_[slot].next = launch(slot);
  else
    slots_[slot].current = launch(slot);
  publish();
}

Worker* Supervisor::find(const WorkerLink& link) {
  for (const auto& worker : workers_)
    if (worker->link.get() == &link) return worker.get();
  return nullptr;
}

void Supervisor::on_control(Worker& worker, const frames::Reader::Frame& frame) {
  auto payload = frame.payload;
  switch (frame.header.type) {
    case frames::Type::starting:
      worker.step = payload;
      log().debug("{}: {}", worker.name, payload);
      break;
    case frames::Type::ready:
      on_ready(worker, payload);
      break;
    case frames::Type::failed:
      worker.failure = format_failure(payload);
      break;
    case frames::Type::pong: {
      frames::Pong pong;
      if (!frames::take(payload, pong)) break;
      if (worker.is_thread()) worker.rss_bytes = pong.rss_bytes;
      worker.pinged_at.reset();
      worker.gil_wait = Nanoseconds(pong.gil_wait_ns);
      gil_wait_.record(worker.gil_wait);
      publish();  // or the board would go on counting the wait until the next ping
      break;
    }
    case frames::Type::stacks_reply:
      stack_queries_.on_reply(worker, frame.header.id, payload);
      break;
    case frames::Type::revoked:
      if (const auto loop = dispatch_.loop_of(*worker.link, frame.header.id)) {
        LoopDispatch* const home = loops_[*loop].get();
        home->loop().post([home, id = frame.header.id] { home->revoked(id); });
      }
      break;
    default:
      break;
  }
}

void Supervisor::on_ready(Worker& worker, std::string_view message) {
  if (worker.state != Worker::State::starting) return;
  const auto ready = parse_ready(message, options_.endpoints.size());
  if (!ready || !dispatch_.set_kinds(ready->kinds)) {
    worker.failure =
        ready ? "an endpoint changed between def and async def: reload the configuration" : ready.error().message;
    kill(worker);
    return;
  }
  worker.state = Worker::State::ready;
  {
    const std::lock_guard lock(mutex_);
    if (interfaces_.empty()) interfaces_ = ready->interfaces;
  }
  const auto took = std::chrono::duration_cast<Milliseconds>(now_exactly() - worker.started_at);
  log().info("{} ({}): ready in {} ms, Python {}", worker.name, ready->pid, took.count(), ready->runtime);
  Slot& slot = slots_[worker.slot];
  if (slot.next.get() == &worker) {
    const auto old = std::exchange(slot.current, std::move(slot.next));
    slot.next.reset();
    if (old) retire(*old);
  }
  publish();  // before start() returns: who looks then sees every worker ready
  if (!starting_) {
    connect(worker);
  } else if (std::all_of(slots_.begin(), slots_.end(), [](const Slot& one) {
               return !one.wanted || (one.current && one.current->state == Worker::State::ready);
             })) {
    // Only now: a pool that does not start leaves nothing in the loops.
    for (const auto& one : slots_)
      if (one.current) connect(*one.current);
    report_start({});
  }
}

// Gives its lanes to the I/O threads; the last of them to have its own opens it for work.
void Supervisor::connect(Worker& worker) {
  worker.is_connected = true;
  for (const auto& loop : loops_) {
    LoopDispatch* const one = loop.get();
    one->loop().post([one, link = worker.link] { one->attach(link); });
  }
}

// It gets no further work; what others had meant for it goes back to the queue.
void Supervisor::close_link(Worker& worker) {
  Handout handout;
  dispatch_.close(*worker.link, now_exactly(), handout);
  LoopDispatch::pass_on(handout, *this, loops_);
}

// Finishes what it holds, then exits: watch() says when.
void Supervisor::retire(Worker& worker) {
  if (worker.state == Worker::State::ready) worker.state = Worker::State::draining;
  worker.draining_at = now_exactly();
  close_link(worker);
  publish();
}

void Supervisor::kill(Worker& worker) {
  worker.signal(SIGKILL);
  if (worker.is_thread()) worker.close_control();
}

void Supervisor::replace(Worker& worker, RestartReason reason) {
  Slot& slot = slots_[worker.slot];
  if (slot.next || slot.start_at != TimePoint::max()) return;
  log().info("{} ({}): replaced, {}", worker.name, worker.pid, kRestartReasons[static_cast<std::size_t>(reason)]);
  count(reason);
  ++slot.restarts;
  start_slot(worker.slot);
}

void Supervisor::back_off(unsigned index, TimePoint lived_since) {
  Slot& slot = slots_[index];
  const auto now = now_exactly();
  if (now - lived_since >= kQuickDeath) {
    slot.quick_deaths = 0;
    slot.start_at = now;
  } else {
    slot.start_at = now + restart_delay(++slot.quick_deaths);
  }
}

void Supervisor::start_failed(Worker& worker, const std::string& why) {
  auto text = worker.name + " did not start";
  if (!worker.step.empty()) text += " (step: " + worker.step + ")";
  text += ": " + why;
  if (worker.failure.empty() && !worker.first_output().empty()) text += "\n" + worker.first_output();
  if (std::exchange(start_given_up_, start_given_up_ || starting_)) return;  // one message is enough
  if (starting_) {
    report_start(Error("python.start_failed", std::move(text)));
    return;
  }
  Slot& slot = slots_[worker.slot];
  log().error("{}", text);
  count(RestartReason::start_failed);
  ++slot.restarts;
  back_off(worker.slot, now_exactly());
}

void Supervisor::on_control_closed(Worker& worker) {
  close_link(worker);
  worker.kill_at = std::min(worker.kill_at, now_exactly() + kExitGrace);
}

void Supervisor::on_gone(Worker& worker, const std::string& how) {
  const auto self = worker.shared_from_this();
  stack_queries_.on_gone(worker);
  close_link(worker);
  if (worker.is_connected) {
    for (const auto& loop : loops_) {
      LoopDispatch* const one = loop.get();
      one->loop().post([one, link = worker.link] { one->detach(*link); });
    }
  }
  dispatch_.remove_link(*worker.link);
  std::erase(workers_, self);
  Slot& slot = slots_[worker.slot];
  const bool was_next = slot.next == self;
  const bool was_current = slot.current == self;
  if (was_next) slot.next.reset();
  if (was_current) slot.current.reset();
  if (stopping_) {
    publish();
    return;
  }
  if (worker.state == Worker::State::starting) {
    start_failed(worker, worker.failure.empty() ? "ended with " + how : worker.failure);
  } else if (was_current) {
    log().error("{} ({}): died, {}", worker.name, worker.pid, how);
    count(RestartReason::died);
    ++slot.restarts;
    if (slot.next)
      slot.current = std::move(slot.next);
    else
      back_off(worker.slot, worker.started_at);
    slot.next.reset();
  }
  if (slot.start_at <= now_exactly()) start_slot(worker.slot);
  publish();
}

// --------------------------------------------------------------------------------------------------- what the I/O threads
// say

void Supervisor::cancel(std::shared_ptr<WorkerLink> link, std::uint64_t id, frames::CancelReason reason) {
  asio::post(context_, [this, link = std::move(link), id, reason] {
    if (Worker* const worker = find(*link)) worker->send(frames::Type::cancel, id, frames::bytes_of(reason));
  });
}

void Supervisor::take_back() {
  asio::post(context_, [this] { do_take_back(); });
}

void Supervisor::do_take_back() {
  for (const auto& one : dispatch_.find_take_back(now_exactly()))
    if (Worker* const worker = find(*one.link)) worker->send(frames::Type::revoke, one.id);
}

void Supervisor::lane_lost(std::shared_ptr<WorkerLink> link) {
  asio::post(context_, [this, link = std::move(link)] {
    Worker* const worker = find(*link);
    if (worker == nullptr) return;
    close_link(*worker);
    worker->kill_at = std::min(worker->kill_at, now_exactly() + kExitGrace);
  });
}

void Supervisor::stuck(std::shared_ptr<WorkerLink> link, std::uint64_t id, std::string endpoint) {
  asio::post(context_, [this, link = std::move(link), id, endpoint = std::move(endpoint)] {
    Worker* const worker = find(*link);
    if (worker == nullptr || worker->state == Worker::State::stuck || !dispatch_.loop_of(*link, id)) return;
    if (worker->is_thread()) {
      if (!std::exchange(worker->said_stuck, true))
        log().error(
            "{}: {} does not end after its deadline, and a worker in thread mode can't be replaced: its executor is lost "
            "until it does",
            worker->name, endpoint);
      return;
    }
    log().error("{} ({}): stuck, {} does not end after its deadline; its stack follows", worker->name, worker->pid,
                endpoint);
    const auto keep = worker->shared_from_this();
    worker->signal(SIGUSR2);
    worker->state = Worker::State::stuck;
    worker->stuck_at = now_exactly();
    worker->kill_at = std::min(worker->kill_at, worker->stuck_at + kStuckMercy);
    close_link(*worker);
    Slot& slot = slots_[worker->slot];
    if (slot.current == keep && !stopping_) {
      slot.current.reset();
      count(RestartReason::stuck);
      ++slot.restarts;
      if (slot.next)
        slot.current = std::move(slot.next);
      else if (slot.start_at == TimePoint::max())
        start_slot(worker->slot);
      slot.next.reset();
    }
    publish();
  });
}

// Bounded: a flood of errors may lose some, but neither memory nor the I/O thread's time.
void Supervisor::log_error(std::string text) {
  static constexpr int kMostWaiting = 1000;
  if (errors_waiting_.fetch_add(1) >= kMostWaiting) {
    errors_waiting_.fetch_sub(1);
    return;
  }
  asio::post(context_, [this, text = std::move(text)] {
    errors_waiting_.fetch_sub(1);
    log().error("{}", text);
  });
}

// -----------------------------------------------------------------------------------------------------------------------
// ticks

void Supervisor::schedule_tick() {
  tick_timer_.expires_after(kTick);
  tick_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    tick();
    schedule_tick();
  });
}

void Supervisor::tick() {
  const auto now = now_exactly();
  const bool full_second = now - second_at_ >= 1s;
  if (full_second) second_at_ = now;
  do_take_back();
  stack_queries_.look(now);
  for (const auto& worker : std::vector(workers_)) watch(*worker, now, full_second);
  if (stopping_) {
    tick_stop(now);
    return;
  }
  for (unsigned slot = 0; slot < slots_.size(); ++slot)
    if (slots_[slot].start_at <= now) start_slot(slot);
  scale(now);
  if (full_second) publish();
}

void Supervisor::ping(Worker& worker, TimePoint now) {
  if (worker.pinged_at) return;
  worker.pinged_at = now;
  worker.send(frames::Type::ping);
}

// Its requests have had their time, streams without an end among them.
void Supervisor::give_up_requests(Worker& worker, TimePoint now) {
  if (std::exchange(worker.told_to_give_up, true)) return;
  const auto held = dispatch_.held_by(*worker.link);
  log().warn("{} ({}): {} requests did not end within the drain timeout: they are cancelled", worker.name, worker.pid,
             held.size());
  for (const auto id : held) worker.send(frames::Type::cancel, id);
  worker.kill_at = std::min(worker.kill_at, now + kStuckMercy);
}

// Worn workers are replaced one after the other, so that the pool keeps its strength.
bool Supervisor::is_replacing() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.next != nullptr; }) ||
         std::any_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return worker->state == Worker::State::draining; });
}

void Supervisor::scale(TimePoint now) {
  if (!scaling_ || now < look_at_) return;
  look_at_ = now + Scaling::kLook;
  Scaling::Seen seen;
  seen.queued = dispatch_.queued();
  for (const auto& slot : slots_) {
    if (slot.start_at != TimePoint::max()) {
      ++seen.starting;
      seen.backing_off = true;
    } else if (slot.current && slot.current->state == Worker::State::ready) {
      ++seen.ready;
      if (dispatch_.load(*slot.current->link).in_flight > 0) ++seen.busy;
      slot.current->look_at_cpu(now);
      seen.cpus += slot.current->cpus;
    } else if (slot.current) {
      ++seen.starting;
    }
  }
  const int change = scaling_->look(seen, now);
  if (change > 0) grow(seen.queued);
  if (change < 0) shrink(static_cast<unsigned>(-change));
}

void Supervisor::grow(std::size_t queued) {
  const auto slot = std::find_if(slots_.begin(), slots_.end(), [](const Slot& one) { return !one.wanted; });
  if (slot == slots_.end()) return;
  slot->wanted = true;
  log().info("pool {}: one more worker, {} requests wait", options_.name, queued);
  start_slot(static_cast<unsigned>(slot - slots_.begin()));
}

// Those with the least to do, the last places first.
void Supervisor::shrink(unsigned count) {
  for (; count > 0; --count) {
    Slot* least = nullptr;
    std::uint32_t least_load = 0;
    for (auto slot = slots_.rbegin(); slot != slots_.rend(); ++slot) {
      if (!slot->current || slot->current->state != Worker::State::ready || slot->next) continue;
      const auto load = dispatch_.load(*slot->current->link).in_flight;
      if (least && load >= least_load) continue;
      least = &*slot;
      least_load = load;
    }
    if (least == nullptr) return;
    least->wanted = false;
    const auto worker = std::exchange(least->current, nullptr);
    log().info("{} ({}): ends, the pool has had less to do for {} s", worker->name, worker->pid,
               std::chrono::duration_cast<std::chrono::seconds>(options_.idle_timeout).count());
    retire(*worker);
  }
}

void Supervisor::watch(Worker& worker, TimePoint now, bool full_second) {
  worker.look_for_exit_without_handle();
  if (worker.is_gone()) return;
  const auto load = dispatch_.load(*worker.link);
  switch (worker.state) {
    case Worker::State::starting:
      if (now - worker.started_at >= options_.start_timeout && worker.failure.empty()) {
        worker.failure = "not ready after " + std::to_string(options_.start_timeout.count()) + " ms";
        if (worker.is_thread() && starting_) start_failed(worker, worker.failure);
        kill(worker);
      }
      break;
    case Worker::State::ready:
      if (full_second) {
        ping(worker, now);
        if (!worker.is_thread()) worker.rss_bytes = resident_bytes(worker.pid);
      }
      if (worker.is_thread() || stopping_) break;
      if (const auto reason = find_wear(worker.limits, load.requests, worker.rss_bytes, now - worker.started_at);
          reason && !is_replacing())
        replace(worker, *reason);
      break;
    case Worker::State::draining:
      if (load.in_flight == 0 && !std::exchange(worker.told_to_drain, true)) {
        worker.send(frames::Type::drain);
        worker.kill_at = std::min(worker.kill_at, now + std::max<Nanoseconds>(kDrainGrace, options_.drain_timeout));
      }
      if (load.in_flight > 0 && now - worker.draining_at >= options_.drain_timeout) give_up_requests(worker, now);
      break;
    case Worker::State::stuck:
      // Nothing but what is stuck runs there any more.
      if (load.in_flight == load.overdue && now - worker.stuck_at >= kStackTime) worker.kill_at = now;
      break;
  }
  if (now >= worker.kill_at) kill(worker);
}

}  // namespace tandem::pool
