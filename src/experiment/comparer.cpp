#include "experiment/comparer.hpp"

#include <sys/resource.h>

#include "base/thread.hpp"
#include "service/cpu_piece.hpp"

namespace tandem::experiment {
namespace {

constexpr int kLowestPriority = 19;

}  // namespace

Comparer::~Comparer() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void Comparer::add(AnswerPair pair, unsigned loop) {
  {
    const std::lock_guard lock(mutex_);
    const auto bytes = pair.bytes();
    if (!stopping_ && queue_.size() < kMaxPairs && bytes_ + bytes <= kMaxBytes) {
      bytes_ += bytes;
      queue_.emplace_back(std::move(pair), loop);
      if (!thread_.joinable()) thread_ = start_thread("tandem-compare", [this] { run(); });
      changed_.notify_all();
      return;
    }
  }
  skip(pair);
}

void Comparer::drop() {
  std::deque<std::pair<AnswerPair, unsigned>> dropped;
  {
    std::unique_lock lock(mutex_);
    dropped.swap(queue_);
    bytes_ = 0;
    changed_.wait(lock, [this] { return !is_comparing_; });
  }
  for (const auto& [pair, loop] : dropped) skip(pair);
}

void Comparer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  drop();
}

void Comparer::skip(const AnswerPair& pair) {
  if (pair.of_candidate) findings_.add(pair.candidate, comparison::Outcome::skipped);
}

void Comparer::run() {
  ::setpriority(PRIO_PROCESS, 0, kLowestPriority);  // of this thread alone, on Linux
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    auto [pair, loop] = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= pair.bytes();
    is_comparing_ = true;
    lock.unlock();
    const auto began = service::thread_cpu_time();
    findings_.note(std::move(pair));
    cpu_ns_[loop].fetch_add(Nanoseconds(service::thread_cpu_time() - began).count(), std::memory_order_relaxed);
    lock.lock();
    is_comparing_ = false;
    changed_.notify_all();
  }
}

}  // namespace tandem::experiment
