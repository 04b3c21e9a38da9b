#include "base/task_group.hpp"

namespace tandem {

struct TaskGroup::Runner {
  struct promise_type {
    Runner get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

TaskGroup::Runner TaskGroup::run(Task<void> task) {
  co_await task;
  if (--size_ == 0 && on_empty_) on_empty_();
}

void TaskGroup::spawn(Task<void> task) {
  ++size_;
  run(std::move(task));
}

}  // namespace tandem
