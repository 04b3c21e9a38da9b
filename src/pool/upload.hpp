// A request's body on its way to a worker, beside whatever the worker answers meanwhile. Owned by the Waiter and, once a
// streamed answer has begun, by that. Thread: the loop's.
#pragma once

#include <cstdint>

#include "base/task_group.hpp"
#include "frames/frame.hpp"
#include "http/body.hpp"
#include "pool/sleeper.hpp"

namespace tandem::pool {

class Job;

class Upload final : public Sleeper {
 public:
  Upload(LoopDispatch& owner, http::RequestBody& body) : Sleeper(owner), body_(body) {}
  // Gives up reading.
  ~Upload();

  // Once, after the request was submitted: hands the body over as it arrives and the worker takes it.
  void start();

  // --- for LoopDispatch
  Job* job = nullptr;  // null: the worker takes nothing more
  // The request is at a worker.
  void on_sent();
  void on_credit(std::uint32_t bytes);
  // The worker is done with the request, or it is given up.
  void end();

 private:
  struct Wait {
    Upload& upload;
    bool await_ready() const noexcept { return upload.may_send(); }
    void await_suspend(std::coroutine_handle<> awaiter) noexcept { upload.sleeping = awaiter; }
    void await_resume() const noexcept {}
  };

  bool may_send() const;
  Task<void> run();

  http::RequestBody& body_;
  std::int64_t credit_ = frames::kInitialCredit;  // body bytes that may be sent
  TaskGroup task_;
};

}  // namespace tandem::pool
