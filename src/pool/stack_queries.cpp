#include "pool/stack_queries.hpp"

#include <signal.h>

#include <algorithm>

namespace tandem::pool {

std::vector<WorkerStacks> StackQueries::Answers::wait(Milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return asked_ && found_.size() >= expected_; });
  auto found = found_;
  lock.unlock();
  std::stable_sort(found.begin(), found.end(), [](const auto& one, const auto& other) { return one.worker < other.worker; });
  return found;
}

void StackQueries::ask(const std::vector<std::shared_ptr<Worker>>& workers, std::shared_ptr<Answers> answers,
                       TimePoint now) {
  {
    const std::lock_guard lock(answers->mutex_);
    answers->expected_ = workers.size();
    answers->asked_ = true;
    answers->changed_.notify_all();
  }
  for (const auto& worker : workers) {
    Query query{++last_id_, worker, answers, now};
    if (worker->state == Worker::State::starting && !worker->heeds_signals()) {
      answer(query, "is starting: its process\n");
      continue;
    }
    if (worker->state != Worker::State::starting) {  // that one reads nothing yet, but can be looked at
      worker->send(frames::Type::stacks, last_id_);
      query.until += kPolite;
    }
    open_.push_back(std::move(query));
  }
}

void StackQueries::answer(const Query& query, std::string text) {
  WorkerStacks stacks;
  stacks.pid = query.worker->pid;
  stacks.worker = query.worker->name;
  stacks.text = std::move(text);
  stacks.raw = query.raw;
  const std::lock_guard lock(query.answers->mutex_);
  query.answers->found_.push_back(std::move(stacks));
  query.answers->changed_.notify_all();
}

void StackQueries::on_reply(const Worker& worker, std::uint64_t id, std::string_view text) {
  const auto query = std::find_if(open_.begin(), open_.end(),
                                  [&](const Query& one) { return one.id == id && one.worker.get() == &worker && !one.raw; });
  if (query == open_.end()) return;
  answer(*query, std::string(text));
  open_.erase(query);
}

void StackQueries::on_gone(const Worker& worker) {
  for (const auto& query : open_)
    if (query.worker.get() == &worker) answer(query, query.worker->take_captured() + "has ended\n");
  std::erase_if(open_, [&](const Query& one) { return one.worker.get() == &worker; });
}

// Everybody who waits for what the signal brings gets all of it.
void StackQueries::hand_on(Worker& worker) {
  const auto text = worker.take_captured();
  for (auto& query : open_) {
    if (!query.raw || query.worker.get() != &worker) continue;
    answer(query, text.empty() ? "wrote no stacks\n" : text);
    query.worker.reset();
  }
}

void StackQueries::look(TimePoint now) {
  for (auto& query : open_) {
    if (query.worker == nullptr || now < query.until) continue;
    if (query.raw) {
      hand_on(*query.worker);
    } else if (query.worker->is_thread()) {
      answer(query, "something holds the interpreter's lock, and a thread of the server can't be looked at from outside\n");
      query.worker.reset();
    } else {
      query.raw = true;
      query.until = now + kRaw;
      query.worker->capture();
      query.worker->signal(SIGUSR2);
    }
  }
  std::erase_if(open_, [](const Query& query) { return query.worker == nullptr; });
}

}  // namespace tandem::pool
