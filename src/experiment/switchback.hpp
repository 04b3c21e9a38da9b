// Whose turn it is when all traffic goes to one arm at a time (experiments.md §5.3): blocks of wall time, each arm once in
// every round, in an order that is drawn from the salt. Pure, so that all replicas agree.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "experiment/layout.hpp"

namespace tandem::experiment {

struct Turn {
  std::size_t arm = 0;
  bool is_washout = false;  // the block has just begun: what the arm before left behind may still show
};

// Arms without weight have no turn. The layout sends traffic, and its weights sum to 10000.
Turn switchback_turn(const Layout& layout, std::string_view salt, Milliseconds block, Milliseconds washout,
                     std::chrono::system_clock::time_point now);

}  // namespace tandem::experiment
