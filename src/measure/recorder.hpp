// Counts the requests of one experiment as they end: a shard for each I/O thread, plain memory that this thread alone
// touches, emptied once a second by what the collector posts to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "measure/observation.hpp"
#include "measure/record.hpp"

namespace tandem::measure {

class Recorder {
 public:
  // `shards`: I/O threads.
  Recorder(std::size_t arms, unsigned shards);
  ~Recorder();

  std::size_t arms() const { return arms_; }
  unsigned shards() const { return static_cast<unsigned>(shards_.size()); }

  // Allocates with the first request of an epoch, arm and population only, and while the set of keys grows. Thread: the
  // shard's.
  void record(unsigned shard, const Observation& observation);

  // What was recorded since the last call. Thread: the shard's, or any once that has ended.
  Slice take(unsigned shard);

 private:
  struct Shard;

  const std::size_t arms_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace tandem::measure
