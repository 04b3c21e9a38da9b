// One finished request as an experiment counts it.
#pragma once

#include <cstdint>

#include "base/clock.hpp"

namespace tandem::measure {

struct Observation {
  std::uint16_t arm = 0;    // index into the experiment's arms: the one it was assigned, whoever answered
  std::uint32_t epoch = 0;  // of the layout it was assigned by
  bool is_analysed = false;
  bool has_key = false;       // sticky: `cluster` says something about who it was
  std::uint32_t cluster = 0;  // murmur3 of the key for the purpose "cluster"
  int status = 0;             // of the assigned arm: of the candidate, where control answered in its place
  bool timed_out = false;
  bool client_gone = false;  // never an error of the arm
  bool fell_back = false;
  Nanoseconds total{0};  // what the client waited for
  Nanoseconds queue{0};
  Nanoseconds gil{0};
  Nanoseconds exec{0};
  bool has_cpu = false;  // one of those whose CPU time was read
  Nanoseconds cpu{0};
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

}  // namespace tandem::measure
