#include "pool/worker_board.hpp"

#include <algorithm>

namespace tandem::pool {

void WorkerBoard::publish(std::vector<Entry> entries) {
  const std::lock_guard lock(mutex_);
  entries_ = std::move(entries);
}

std::vector<WorkerState> WorkerBoard::workers() const {
  std::vector<Entry> entries;
  {
    const std::lock_guard lock(mutex_);
    entries = entries_;
  }
  const auto now = std::chrono::steady_clock::now();
  const auto seconds_since = [now](TimePoint then) { return std::chrono::duration<double>(now - then).count(); };
  std::vector<WorkerState> states;
  for (auto& entry : entries) {
    if (entry.link) {
      const auto load = dispatch_.load(*entry.link);
      entry.state.in_flight = load.in_flight;
      entry.state.requests = load.requests;
      entry.state.age_seconds = seconds_since(entry.started_at);
      if (entry.pinged_at)
        entry.state.gil_wait_seconds = std::max(entry.state.gil_wait_seconds, seconds_since(*entry.pinged_at));
    }
    states.push_back(std::move(entry.state));
  }
  return states;
}

}  // namespace tandem::pool
