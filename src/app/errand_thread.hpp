// A thread for work that may block, done in the order it came: reloads, questions to the workers.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/thread.hpp"

namespace tandem::app {

class ErrandThread {
 public:
  explicit ErrandThread(std::string name) : name_(std::move(name)) {}
  ~ErrandThread() { finish(); }

  void start();
  // Thread: any; after finish() the errand is done at once, on the caller's.
  void post(std::function<void()> errand);
  // Does what was posted, then ends the thread. Thread: not its own.
  void finish();

 private:
  void run();

  const std::string name_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> errands_;
  bool finishing_ = false;

  std::thread thread_;
};

}  // namespace tandem::app
