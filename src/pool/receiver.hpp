// Takes what a worker sends after the head of an answer that goes on: a streamed body, a WebSocket's messages. Owned by the
// response. Thread: the loop's.
#pragma once

#include <optional>

#include "base/result.hpp"
#include "frames/frame.hpp"
#include "service/call.hpp"

namespace tandem::pool {

class Receiver {
 public:
  explicit Receiver(service::Call& service_call) : call(service_call) {}

  service::Call& call;

  virtual void receive(const frames::Reader::Frame& frame) = 0;
  // Nothing follows. An error: the worker failed, died or was given up. Wakes coroutines, resumes none.
  virtual void end(std::optional<Error> error) = 0;

 protected:
  ~Receiver() = default;
};

}  // namespace tandem::pool
