// What is known of a pool's workers, for everybody who wants to look. The supervisor writes it, others read it.
// Thread: any.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pool/dispatch.hpp"
#include "pool/pool_backend.hpp"

namespace tandem::pool {

class WorkerBoard {
 public:
  explicit WorkerBoard(const Dispatch& dispatch) : dispatch_(dispatch) {}

  // What changes with every request is asked for when somebody looks, so not part of `state`.
  struct Entry {
    WorkerState state;
    std::shared_ptr<WorkerLink> link;  // null: no worker at present
    TimePoint started_at{};
    std::optional<TimePoint> pinged_at;  // a ping is under way
  };
  void publish(std::vector<Entry> entries);

  std::vector<WorkerState> workers() const;

 private:
  const Dispatch& dispatch_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // guarded by mutex_
};

}  // namespace tandem::pool
