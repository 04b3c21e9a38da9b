#include "pool/dispatch.hpp"

#include <algorithm>

namespace tandem::pool {
namespace {

constexpr std::size_t index_of(Kind kind) { return static_cast<std::size_t>(kind); }

}  // namespace

Dispatch::Dispatch(const PoolOptions& options, unsigned loops)
    : queue_limit_(options.queue),
      async_capacity_(options.async_capacity),
      endpoints_(options.endpoints.size()),
      inboxes_(loops) {}

bool Dispatch::set_kinds(std::span<const Kind> kinds) {
  const std::lock_guard lock(mutex_);
  if (kinds.size() != endpoints_.size()) return false;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds_known_ && endpoints_[i].kind != kinds[i]) return false;
    endpoints_[i].kind = kinds[i];
  }
  return kinds_known_ = true;
}

bool Dispatch::has_room(const Executor& executor, TimePoint now) const {
  if (executor.kind == Kind::async) return executor.held.size() - executor.held_open < async_capacity_;
  if (executor.held.empty()) return true;
  // Nothing goes behind a request that already takes longer than expected, what was taken back from there least of all.
  return executor.held.size() < kMaxAhead && executor.expected_ns < kAhead.count() && now - executor.progress_at < kSlow;
}

bool Dispatch::is_stalled(const Executor& executor, TimePoint now) {
  return !executor.held.empty() && now - executor.progress_at >= kSlow;
}

bool Dispatch::is_joined(const Executor& executor, const Job& job, TimePoint now) const {
  return job.kind == Kind::sync && job.whole_body && !executor.held.empty() && has_room(executor, now) &&
         executor.expected_ns + endpoints_[job.endpoint].expected_ns < kBrisk.count();
}

Executor* Dispatch::pick(const Job& job, TimePoint now) const {
  Executor* joined = nullptr;
  Executor* idle = nullptr;
  Executor* best = nullptr;
  const auto rank = [now](const Executor& executor) { return std::pair(is_stalled(executor, now), executor.held.size()); };
  for (Executor* const executor : open_[index_of(job.kind)]) {
    if (executor->held.empty() && executor->link->in_flight == 0) return executor;
    if (executor->held.empty() && idle == nullptr) idle = executor;
    if (is_joined(*executor, job, now) && (joined == nullptr || executor->held.size() < joined->held.size()))
      joined = executor;
    if ((best == nullptr || rank(*executor) < rank(*best)) && has_room(*executor, now)) best = executor;
  }
  return joined ? joined : idle ? idle : best;
}

void Dispatch::assign(Job& job, Executor& executor, TimePoint now) {
  job.id = (++sequence_ << kSlotBits) | job.slot;
  job.executor = &executor;
  job.expected_ns = endpoints_[job.endpoint].expected_ns;
  job.revoke_asked = false;
  if (executor.held.empty()) executor.progress_at = now;
  executor.held.push_back(job);
  executor.expected_ns += job.expected_ns;
  if (executor.held.size() == 2) ++crowded_[index_of(executor.kind)];
  ++executor.link->in_flight;
  ++executor.link->requests;
  ++in_flight_;
}

// Takes the job from its executor.
void Dispatch::drop(Job& job, TimePoint now) {
  Executor& executor = *job.executor;
  executor.held.remove(job);
  executor.expected_ns -= job.expected_ns;
  executor.progress_at = now;
  if (executor.held.size() == 1) --crowded_[index_of(executor.kind)];
  --executor.link->in_flight;
  --in_flight_;
  if (std::exchange(job.overdue, false)) --executor.link->overdue;
  if (std::exchange(job.held_open, false)) --executor.held_open;
  job.executor = nullptr;
}

void Dispatch::hand_out(Job& job, Executor& executor, TimePoint now, Handout& handout) {
  assign(job, executor, now);
  if (job.loop == handout.own) {
    job.state = Job::State::sent;
    handout.mine.push(job);
    return;
  }
  job.state = Job::State::assigned;
  if (inboxes_[job.loop].empty()) handout.wake.push_back(job.loop);
  inboxes_[job.loop].push(job);
}

void Dispatch::pull(Executor& executor, TimePoint now, Handout& handout) {
  JobList& queue = queues_[index_of(executor.kind)];
  while (!queue.empty() && executor.link->open && has_room(executor, now))
    hand_out(*queue.pop_front(), executor, now, handout);
}

void Dispatch::pull_any(Kind kind, TimePoint now, Handout& handout) {
  JobList& queue = queues_[index_of(kind)];
  while (!queue.empty()) {
    Executor* const executor = pick(*queue.front(), now);
    if (executor == nullptr) return;
    hand_out(*queue.pop_front(), *executor, now, handout);
  }
}

auto Dispatch::submit(Job& job, TimePoint now) -> Placed {
  const std::lock_guard lock(mutex_);
  job.kind = endpoints_[job.endpoint].kind;
  JobList& queue = queues_[index_of(job.kind)];
  if (queue.empty()) {
    if (Executor* const executor = pick(job, now)) {
      assign(job, *executor, now);
      job.state = Job::State::sent;
      return Placed::sent;
    }
  }
  if (queued_unlocked() >= queue_limit_) return Placed::full;
  job.state = Job::State::queued;
  queue.push_back(job);
  return Placed::queued;
}

bool Dispatch::waits_behind_slow(const Executor& executor, TimePoint now) const {
  return executor.held.size() > 1 && is_stalled(executor, now);
}

void Dispatch::release(std::span<Job* const> jobs, TimePoint now, Handout& handout) {
  const std::lock_guard lock(mutex_);
  for (Job* const job : jobs) {
    if (job->state == Job::State::queued) queues_[index_of(job->kind)].remove(*job);
    if (job->state == Job::State::assigned) inboxes_[job->loop].remove(*job);
    job->state = Job::State::free;
    Executor* const executor = job->executor;
    if (executor == nullptr) continue;
    if (job->timing.handler_ns > 0) {
      auto& mean = endpoints_[job->endpoint].expected_ns;
      mean += (static_cast<std::int64_t>(job->timing.handler_ns) - mean) / 8;
    }
    drop(*job, now);
    pull(*executor, now, handout);
    const auto kind = index_of(executor->kind);
    if (crowded_[kind] > 0 && executor->held.empty() && executor->link->open && now - took_back_at_ >= kAhead) {
      for (const Executor* const other : open_[kind])
        if (waits_behind_slow(*other, now)) handout.take_back = true;
      if (handout.take_back) took_back_at_ = now;
    }
  }
}

void Dispatch::give_back(Job& job, TimePoint now, Handout& handout) {
  const std::lock_guard lock(mutex_);
  Executor& executor = *job.executor;
  const auto progress_at = executor.progress_at;
  drop(job, now);
  executor.progress_at = progress_at;  // the one in front has not moved
  job.state = Job::State::queued;
  queues_[index_of(job.kind)].push_front(job);
  pull_any(job.kind, now, handout);
}

bool Dispatch::withdraw(Job& job) {
  const std::lock_guard lock(mutex_);
  if (job.state != Job::State::queued) return false;
  queues_[index_of(job.kind)].remove(job);
  job.state = Job::State::free;
  return true;
}

void Dispatch::take_inbox(Handout& handout) {
  const std::lock_guard lock(mutex_);
  while (Job* const job = inboxes_[handout.own].pop()) {
    job->state = Job::State::sent;
    handout.mine.push(*job);
  }
}

void Dispatch::note_overdue(Job& job) {
  const std::lock_guard lock(mutex_);
  if (job.executor && !std::exchange(job.overdue, true)) ++job.executor->link->overdue;
}

void Dispatch::note_open(Job& job, TimePoint now, Handout& handout) {
  const std::lock_guard lock(mutex_);
  if (job.executor == nullptr || job.kind == Kind::sync || std::exchange(job.held_open, true)) return;
  ++job.executor->held_open;
  pull(*job.executor, now, handout);
}

void Dispatch::note_left(Job& job) {
  const std::lock_guard lock(mutex_);
  if (job.executor && std::exchange(job.held_open, false)) --job.executor->held_open;
}

void Dispatch::open(WorkerLink& link, TimePoint now, Handout& handout) {
  const std::lock_guard lock(mutex_);
  if (link.closed || link.open) return;
  link.open = true;
  for (auto& executor : link.executors) open_[index_of(executor.kind)].push_back(&executor);
  pull_any(Kind::sync, now, handout);
  pull_any(Kind::async, now, handout);
}

void Dispatch::close(WorkerLink& link, TimePoint now, Handout& handout) {
  const std::lock_guard lock(mutex_);
  if (link.closed) return;
  link.open = false;
  link.closed = true;
  for (auto& executor : link.executors) {
    std::erase(open_[index_of(executor.kind)], &executor);
    // The youngest first, each to the head: they keep their order.
    std::vector<Job*> unsent;
    for (Job* job = executor.held.front(); job; job = job->next)
      if (job->state == Job::State::assigned) unsent.push_back(job);
    for (auto job = unsent.rbegin(); job != unsent.rend(); ++job) {
      inboxes_[(*job)->loop].remove(**job);
      drop(**job, now);
      (*job)->state = Job::State::queued;
      queues_[index_of(executor.kind)].push_front(**job);
    }
  }
  pull_any(Kind::sync, now, handout);
  pull_any(Kind::async, now, handout);
}

auto Dispatch::find_take_back(TimePoint now) -> std::vector<Revocation> {
  const std::lock_guard lock(mutex_);
  std::vector<Revocation> found;
  for (const auto kind : {Kind::sync, Kind::async}) {
    const auto& executors = open_[index_of(kind)];
    if (crowded_[index_of(kind)] == 0 || executors.size() < 2) continue;
    // Coroutines that wait look the same from here as those that were not started: asking costs a frame for each, so it is
    // done only where the answer is of use at once.
    if (kind == Kind::async &&
        std::none_of(executors.begin(), executors.end(), [](const auto* one) { return one->held.empty(); }))
      continue;
    for (const Executor* const executor : executors)
      if (waits_behind_slow(*executor, now)) ask_back(*executor, found);
  }
  return found;
}

void Dispatch::ask_back(const Executor& executor, std::vector<Revocation>& found) {
  const auto link = std::find_if(links_.begin(), links_.end(), [&](const auto& one) { return one.get() == executor.link; });
  if (link == links_.end()) return;
  for (Job* job = executor.held.front(); job; job = job->next) {
    if (job->state != Job::State::sent || job->revoke_asked || !job->whole_body) continue;
    job->revoke_asked = true;
    found.push_back({*link, job->id});
  }
}

std::optional<unsigned> Dispatch::loop_of(const WorkerLink& link, std::uint64_t id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& executor : link.executors)
    for (const Job* job = executor.held.front(); job; job = job->next)
      if (job->id == id) return job->loop;
  return std::nullopt;
}

std::vector<std::uint64_t> Dispatch::held_by(const WorkerLink& link) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint64_t> ids;
  for (const auto& executor : link.executors)
    for (const Job* job = executor.held.front(); job; job = job->next) ids.push_back(job->id);
  return ids;
}

auto Dispatch::load(const WorkerLink& link) const -> Load {
  const std::lock_guard lock(mutex_);
  return {link.in_flight, link.overdue, link.requests};
}

std::size_t Dispatch::queued() const {
  const std::lock_guard lock(mutex_);
  return queued_unlocked();
}

bool Dispatch::idle() const {
  const std::lock_guard lock(mutex_);
  return queued_unlocked() == 0 && in_flight_ == 0;
}

void Dispatch::add_link(std::shared_ptr<WorkerLink> link) {
  const std::lock_guard lock(mutex_);
  links_.push_back(std::move(link));
}

void Dispatch::remove_link(const WorkerLink& link) {
  const std::lock_guard lock(mutex_);
  std::erase_if(links_, [&](const auto& one) { return one.get() == &link; });
}

}  // namespace tandem::pool
