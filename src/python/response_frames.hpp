// The frames that answer a request, whatever its endpoint is: whole, in one frame if it fits, or streamed as the front
// grants credit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "frames/frame.hpp"
#include "python/exchange.hpp"
#include "python/inbox.hpp"

namespace tandem::python {

inline constexpr std::uint64_t kUnknownLength = UINT64_MAX;

// A whole answer, written where it is sent from: begin(), append the field lines to `out`, begin_body(), append the body,
// finish().
class WholeResponse {
 public:
  void begin(std::string& out);
  void begin_body(const std::string& out) { body_ = out.size(); }
  // Completes the response_head frame and adds what does not fit into one.
  void finish(std::string& out, std::uint64_t id, int status, const frames::Timing& timing);
  // Instead of finish(): leaves `out` as it was.
  void undo(std::string& out) { out.resize(start_); }

 private:
  std::size_t start_ = 0;
  std::size_t body_ = 0;
};

// The head of a streamed answer. `length`: kUnknownLength when nobody knows.
void append_streamed_head(std::string& out, std::uint64_t id, int status, std::string_view lines, std::uint64_t length);

// Bytes of a streamed answer that wait for credit.
class StreamedBody {
 public:
  StreamedBody(Inbox& inbox, Exchange& exchange) : inbox_(inbox), exchange_(exchange) {}

  // Append here.
  std::string& pending() { return pending_; }
  // Moves bytes to `out` as far as the credit goes; true when none is left.
  bool send(std::string& out);

 private:
  Inbox& inbox_;
  Exchange& exchange_;
  std::string pending_;
  std::size_t sent_ = 0;  // of pending_
};

inline void append_response_end(std::string& out, std::uint64_t id, const frames::Timing& timing) {
  frames::append_frame(out, frames::Type::response_end, frames::kEnd, id, frames::bytes_of(timing));
}

}  // namespace tandem::python
