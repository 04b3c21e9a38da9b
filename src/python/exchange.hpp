// One request as it travels through the worker: the bytes that came for it and what may still be sent. It holds no Python
// object, so that it may end on any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frames/frame.hpp"
#include "python/stopwatch.hpp"

namespace tandem::python {

class AsyncRequest;

// A WebSocket message on its way to the endpoint.
struct Message {
  std::string bytes;
  bool text = false;
  bool complete = false;
  std::size_t granted = 0;  // bytes for which the front has been given credit already
};

// How a WebSocket ended at the client.
struct Closing {
  std::uint16_t code = 1005;
  std::string reason;
};

struct Exchange {
  std::uint64_t id = 0;
  unsigned lane = 0;  // of its executor

  std::string payload;  // of the request_head frame; the views below point into it
  frames::RequestHead head;
  std::string_view params;  // frames::Param, one after the other
  std::string_view fields;  // frames::FieldRef, one after the other
  std::string_view strings;
  std::string_view first_body;
  bool streamed = false;  // the endpoint takes the body as it arrives

  // Set by the control thread when the front gives up on the request; the executor looks at it between two pieces.
  std::atomic<bool> cancelled{false};
  // And not only because its client has gone.
  std::atomic<bool> out_of_time{false};

  // The endpoint has been told so by an exception: once is enough, its cleaning up must not be interrupted.
  std::atomic<bool> told{false};
  // It has been answered; an endpoint may have kept the request all the same.
  std::atomic<bool> over{false};

  // Guarded by the inbox's mutex.
  std::vector<std::string> pieces;  // body bytes after the first, in order
  std::size_t next_piece = 0;       // those before it have been handed out
  bool body_ended = false;
  std::uint64_t credit = frames::kInitialCredit;  // response body or message bytes that may be sent
  std::list<Message> messages;                    // only the last may be incomplete; a deque allocates even when empty
  std::optional<Closing> closing;

  // The executor's own.
  std::int64_t started_ns = 0;
  StepClock steps;             // with kMeasureCpu, on the asynchronous executor
  std::uint64_t consumed = 0;  // streamed body bytes handed to the endpoint since the last request_credit
  bool first_taken = false;
  AsyncRequest* running = nullptr;  // on the asynchronous executor, until its coroutine has ended

  std::string_view text(frames::Ref ref) const { return frames::at(strings, ref); }

  // Takes a request_head's payload apart; false when it is malformed.
  bool parse();
};

using ExchangePtr = std::shared_ptr<Exchange>;

}  // namespace tandem::python
