// What one block of load has measured: an arm at a fixed rate for a fixed time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"
#include "loadgen/latencies.hpp"

namespace tandem::loadgen {

enum class Side : std::uint8_t { control, candidate };

// Requests whose intended moment lies in the measured part of the block (after its washout).
struct Block {
  Side side = Side::control;
  bool is_calibration = false;  // control against itself: the side says which of the two it stands for
  std::size_t pair = 0;         // blocks of one pair ran one after the other
  double asked_rate = 0;        // requests a second
  Nanoseconds duration{0};      // of the measured part

  Latencies
      latency;  // from the intended moment to the end of the answer; censored and failed requests with what they had waited
  Latencies service;   // from the moment it was sent; answered requests only
  Latencies lateness;  // by how much the generator itself came too late for the intended moment

  std::uint64_t planned = 0;
  std::uint64_t answered = 0;       // whole answers, whatever their status
  std::uint64_t wrong_status = 0;   // answers with another status than expected: shed load, failures
  std::uint64_t wrong_body = 0;     // with the expected status, but another body
  std::uint64_t timeouts = 0;       // not answered within the time-out: they count as latency, too
  std::uint64_t socket_errors = 0;  // refused, reset, or no HTTP
  std::uint64_t censored = 0;       // still under way when the block was given up: latency = deadline − intended
  std::uint64_t bytes_received = 0;
  double kept_up = 1;  // how much of what was due the server got done while it was due (Backlog), 0 … 1

  double generator_cpu = 0;           // of one core, 0 … 1
  Nanoseconds clock_step{0};          // how far the wall clock moved against the monotonic one
  double server_cpu_seconds = -1;     // of the server's processes during the whole block, washout included; −1: unknown
  std::uint64_t server_requests = 0;  // in that time, washout included
  double server_rss_bytes = -1;       // at its end; −1: unknown
  std::uint64_t server_revision = 0;  // of its configuration, at the end: must not change during a run

  std::uint64_t unexpected() const { return wrong_status + wrong_body; }
  std::uint64_t errors() const { return unexpected() + timeouts + socket_errors + censored; }
  // Achieved / asked: what was never answered is missing, and so is what was answered only because no more came.
  double carried() const {
    return planned == 0 ? 1 : std::min(kept_up, static_cast<double>(answered) / static_cast<double>(planned));
  }
  double achieved_rate() const {
    const auto seconds = std::chrono::duration<double>(duration).count();
    return seconds > 0 ? carried() * static_cast<double>(planned) / seconds : 0;
  }
};

}  // namespace tandem::loadgen
