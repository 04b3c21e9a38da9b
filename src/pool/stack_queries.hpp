// Asks workers for the stacks of their threads and tasks: the worker itself, and faulthandler by a signal where the
// interpreter's lock is not to be had. Thread: the supervisor's, except for Answers::wait().
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pool/pool_backend.hpp"
#include "pool/worker.hpp"

namespace tandem::pool {

class StackQueries {
 public:
  // What one caller waits for.
  class Answers {
   public:
    // Those that have come within `patience`. Thread: any but the supervisor's.
    std::vector<WorkerStacks> wait(Milliseconds patience);

   private:
    friend class StackQueries;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<WorkerStacks> found_;
    std::size_t expected_ = 0;
    bool asked_ = false;
  };

  void ask(const std::vector<std::shared_ptr<Worker>>& workers, std::shared_ptr<Answers> answers, TimePoint now);
  void on_reply(const Worker& worker, std::uint64_t id, std::string_view text);
  void on_gone(const Worker& worker);
  // Every now and then: where nothing has come, the signal is sent; what that brought is handed on.
  void look(TimePoint now);

 private:
  static constexpr Milliseconds kPolite{500};  // for a worker whose lock is free from time to time
  static constexpr Milliseconds kRaw{300};     // for faulthandler to write

  struct Query {
    std::uint64_t id;
    std::shared_ptr<Worker> worker;
    std::shared_ptr<Answers> answers;
    TimePoint until;
    bool raw = false;
  };

  void hand_on(Worker& worker);
  static void answer(const Query& query, std::string text);

  std::vector<Query> open_;
  std::uint64_t last_id_ = 0;
};

}  // namespace tandem::pool
