// A group of tasks that run beside their owner: spawn() starts one, size() counts those unfinished, and the owner is told
// when the last has ended. Thread: all calls and all tasks on one thread.
#pragma once

#include <cstddef>
#include <functional>

#include "base/task.hpp"

namespace tandem {

class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Runs the task until its first suspension, then returns. An exception that leaves a spawned task ends the program:
  // a task's outermost edge is where it must be caught.
  void spawn(Task<void> task);

  std::size_t size() const { return size_; }

  // Called each time the last running task ends.
  void on_empty(std::function<void()> notify) { on_empty_ = std::move(notify); }

 private:
  struct Runner;
  Runner run(Task<void> task);

  std::size_t size_ = 0;
  std::function<void()> on_empty_;
};

}  // namespace tandem
