#include "python/interrupter.hpp"

#include <unistd.h>

#include <cstdio>

#include "python/object.hpp"
#include "python/python_errors.hpp"
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

Interrupter::Interrupter(ControlChannel& control, PyInterpreterState* interpreter,
                         const std::vector<std::unique_ptr<SyncExecutor>>& executors, PyObject* runtime)
    : control_(control), interpreter_(interpreter), executors_(executors), runtime_(runtime), thread_([this] { run(); }) {}

void Interrupter::add(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(job);
  }
  added_.notify_one();
}

void Interrupter::ping(std::uint64_t id) { add({Job::Kind::ping, id}); }

void Interrupter::interrupt(SyncExecutor& executor, std::uint64_t id) { add({Job::Kind::interrupt, id, &executor}); }

void Interrupter::tell_stacks(std::uint64_t id) { add({Job::Kind::stacks, id}); }

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
    std::int64_t waited = 0;
    std::string stacks;
    {
      const auto asked = now_ns();
      HeldGil gil(state.get());
      waited = now_ns() - asked;
      if (job.kind == Job::Kind::interrupt) job.executor->interrupt(gil, job.id);
      if (job.kind == Job::Kind::stacks) stacks = format_stacks(gil);
    }
    if (job.kind == Job::Kind::stacks)
      control_.send(frames::Type::stacks_reply, job.id, std::string_view(stacks).substr(0, frames::kMaxFrame / 2));
    if (job.kind != Job::Kind::ping) continue;
    frames::Pong pong;
    pong.gil_wait_ns = static_cast<std::uint64_t>(waited);
    pong.rss_bytes = resident_bytes();
    control_.send(frames::Type::pong, job.id, frames::bytes_of(pong));
  }
}

std::string Interrupter::format_stacks(const Gil& gil) const {
  const auto executors = Object::steal(PyDict_New());
  for (std::size_t i = 0; executors && i < executors_.size(); ++i) {
    const auto thread = Object::steal(PyLong_FromUnsignedLong(executors_[i]->thread()));
    const auto id = executors_[i]->serving(gil);
    const auto text = Object::steal(PyUnicode_FromFormat("executor %zu%s%s", i, id.empty() ? "" : ", request ", id.c_str()));
    if (thread && text) PyDict_SetItem(executors.get(), thread.get(), text.get());
  }
  const auto text = Object::steal(PyObject_CallMethod(runtime_, "format_stacks", "O", executors.get()));
  return text ? utf8(gil, text.get()) : take_error_text(gil);
}

}  // namespace tandem::python
