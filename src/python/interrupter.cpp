#include "python/interrupter.hpp"

#include <unistd.h>

#include <cstdio>

#include "python/stopwatch.hpp"

namespace tandem::python {
namespace {

std::uint64_t resident_bytes() {
  unsigned long long total = 0, resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%llu %llu", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

Interrupter::Interrupter(ControlChannel& control, PyInterpreterState* interpreter)
    : control_(control), interpreter_(interpreter), thread_([this] { run(); }) {}

void Interrupter::add(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(job);
  }
  added_.notify_one();
}

void Interrupter::ping(std::uint64_t id) { add({id, nullptr}); }

void Interrupter::interrupt(SyncExecutor& executor, std::uint64_t id) { add({id, &executor}); }

void Interrupter::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  added_.notify_one();
  thread_.join();
}

void Interrupter::run() {
  ThreadState state(interpreter_);
  for (;;) {
    std::unique_lock lock(mutex_);
    added_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const Job job = jobs_.front();
    jobs_.pop_front();
    lock.unlock();
    frames::Pong pong;
    {
      const auto asked = now_ns();
      HeldGil gil(state.get());
      pong.gil_wait_ns = static_cast<std::uint64_t>(now_ns() - asked);
      if (job.executor != nullptr) job.executor->interrupt(gil, job.id);
    }
    if (job.executor != nullptr) continue;
    pong.rss_bytes = resident_bytes();
    control_.send(frames::Type::pong, job.id, frames::bytes_of(pong));
  }
}

}  // namespace tandem::python
