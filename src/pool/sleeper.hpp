// A suspended coroutine that LoopDispatch resumes once it is done with its own tables. Thread: the loop's.
#pragma once

#include <coroutine>

namespace tandem::pool {

class LoopDispatch;

class Sleeper {
 public:
  explicit Sleeper(LoopDispatch& owner) : home(owner) {}
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  LoopDispatch& home;
  std::coroutine_handle<> sleeping;
  bool is_woken = false;

 protected:
  ~Sleeper();  // its coroutine may be destroyed while it sleeps
};

}  // namespace tandem::pool
