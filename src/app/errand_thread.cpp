#include "app/errand_thread.hpp"

#include <utility>

namespace tandem::app {

void ErrandThread::start() {
  thread_ = start_thread(name_, [this] { run(); });
}

void ErrandThread::post(std::function<void()> errand) {
  {
    const std::lock_guard lock(mutex_);
    if (!finishing_) {
      errands_.push_back(std::move(errand));
      changed_.notify_one();
      return;
    }
  }
  errand();
}

void ErrandThread::finish() {
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void ErrandThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return finishing_ || !errands_.empty(); });
    if (errands_.empty()) return;
    auto errand = std::move(errands_.front());
    errands_.pop_front();
    lock.unlock();
    errand();
    errand = nullptr;  // what it holds goes without the mutex
    lock.lock();
  }
}

}  // namespace tandem::app
