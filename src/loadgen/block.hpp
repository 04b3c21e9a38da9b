// What one block of load has measured: an arm at a fixed rate for a fixed time.
#pragma once

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
  std::uint64_t unexpected = 0;     // answers with another status or body than expected
  std::uint64_t timeouts = 0;       // not answered within the time-out: they count as latency, too
  std::uint64_t socket_errors = 0;  // refused, reset, or no HTTP
  std::uint64_t censored = 0;       // still under way when the block was given up: latency = deadline − intended
  std::uint64_t bytes_received = 0;

  double generator_cpu = 0;           // of one core, 0 … 1
  Nanoseconds clock_step{0};          // how far the wall clock moved against the monotonic one
  double server_cpu_seconds = -1;     // of the server's processes during the whole block, washout included; −1: unknown
  std::uint64_t server_requests = 0;  // in that time, washout included
  double server_rss_bytes = -1;       // at its end; −1: unknown
  std::uint64_t server_revision = 0;  // of its configuration, at the end: must not change during a run

  std::uint64_t errors() const { return unexpected + timeouts + socket_errors + censored; }
  double achieved_rate() const {
    const auto seconds = std::chrono::duration<double>(duration).count();
    return seconds > 0 ? static_cast<double>(answered) / seconds : 0;
  }
};

}  // namespace tandem::loadgen
