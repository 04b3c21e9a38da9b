#include "measure/recorder.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "measure/dense_counts.hpp"
#include "measure/key_set.hpp"

namespace tandem::measure {
namespace {

constexpr unsigned kClusterShift = 26;  // the upper six bits of 32
static_assert(std::size_t{1} << (32 - kClusterShift) == kKeyClusters);

std::uint64_t nanoseconds(Nanoseconds time) { return time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count()); }

using FineCounts = DenseCounts<FineBuckets::kBuckets>;

SparseHistogram take(FineCounts& counts) {
  SparseHistogram histogram;
  counts.take([&](std::size_t bucket, std::uint64_t count) { histogram.append(bucket, count); });
  return histogram;
}

// One stage's times since the last take.
class Stage {
 public:
  // Zero: not measured.
  void add(Nanoseconds time) {
    if (time.count() <= 0) return;
    const auto ns = nanoseconds(time);
    sum_ns_ += ns;
    counts_.add(FineBuckets::index_of(ns));
  }
  Durations take_durations() { return {std::exchange(sum_ns_, 0), take(counts_)}; }

 private:
  Sum sum_ns_ = 0;
  FineCounts counts_;
};

// One arm and population of one epoch on one thread.
class Part {
 public:
  void add(const Observation& seen) {
    const auto total = nanoseconds(seen.total);
    const bool is_error = !seen.client_gone && seen.status >= 500;
    ++counts_.requests;
    counts_.errors += is_error;
    counts_.timeouts += is_error && seen.timed_out;
    counts_.aborts += seen.client_gone;
    counts_.fallbacks += seen.fell_back;
    counts_.bytes_in += seen.bytes_in;
    counts_.bytes_out += seen.bytes_out;
    counts_.total_ns += total;
    total_.add(FineBuckets::index_of(total));
    queue_.add(seen.queue);
    gil_.add(seen.gil);
    exec_.add(seen.exec);
    const auto cpu = nanoseconds(seen.cpu);
    if (seen.has_cpu) {
      ++counts_.cpu_requests;
      counts_.cpu_ns += cpu;
    }
    if (!seen.has_key) return;
    const auto index = seen.cluster >> kClusterShift;
    auto& cluster = clusters_[index];
    ++cluster.requests;
    cluster.errors += is_error;
    cluster.total_ns += total;
    if (seen.has_cpu) {
      ++cluster.cpu_requests;
      cluster.cpu_ns += cpu;
    }
    cluster_totals_.add(index * CoarseBuckets::kBuckets + CoarseBuckets::index_of(total));
    keys_.add(seen.cluster);
  }

  bool is_idle() const { return counts_.requests == 0; }

  Slice::Arm take_all() {
    Slice::Arm taken;
    taken.counts = std::exchange(counts_, {});
    taken.counts.total = take(total_);
    taken.totals.queue = queue_.take_durations();
    taken.totals.gil = gil_.take_durations();
    taken.totals.exec = exec_.take_durations();
    taken.totals.clusters = std::exchange(clusters_, {});
    cluster_totals_.take([&](std::size_t place, std::uint64_t count) {
      taken.totals.clusters[place / CoarseBuckets::kBuckets].total.append(place % CoarseBuckets::kBuckets, count);
    });
    taken.totals.keys = keys_.take();
    return taken;
  }

 private:
  Counts counts_;  // but for its histogram
  FineCounts total_;
  Stage queue_;
  Stage gil_;
  Stage exec_;
  std::array<KeyCluster, kKeyClusters> clusters_;  // but for their histograms
  DenseCounts<kKeyClusters * CoarseBuckets::kBuckets> cluster_totals_;
  KeySet keys_;
};

struct EpochParts {
  std::uint32_t number;
  std::vector<ByPopulation<std::unique_ptr<Part>>> arms;

  bool is_idle() const {
    return std::all_of(arms.begin(), arms.end(), [](const auto& arm) {
      return (!arm.analysed || arm.analysed->is_idle()) && (!arm.rest || arm.rest->is_idle());
    });
  }
};

}  // namespace

struct Recorder::Shard {
  std::vector<EpochParts> epochs;  // the one in use at the end

  EpochParts& epoch(std::uint32_t number, std::size_t arms) {
    if (!epochs.empty() && epochs.back().number == number) return epochs.back();
    const auto known = std::find_if(epochs.begin(), epochs.end(), [&](const auto& one) { return one.number == number; });
    if (known != epochs.end()) {
      std::rotate(known, known + 1, epochs.end());
    } else {
      epochs.push_back({number, {}});
      epochs.back().arms.resize(arms);
    }
    return epochs.back();
  }
};

Recorder::Recorder(std::size_t arms, unsigned shards) : arms_(arms) {
  for (unsigned i = 0; i < shards; ++i) shards_.push_back(std::make_unique<Shard>());
}

Recorder::~Recorder() = default;

void Recorder::record(unsigned shard, const Observation& observation) {
  auto& part = shards_[shard]->epoch(observation.epoch, arms_).arms[observation.arm].of(observation.is_analysed);
  if (!part) part = std::make_unique<Part>();
  part->add(observation);
}

Slice Recorder::take(unsigned shard) {
  auto& epochs = shards_[shard]->epochs;
  Slice slice;
  for (auto& epoch : epochs) {
    if (epoch.is_idle()) continue;
    auto& taken = slice.epochs.emplace_back();
    taken.number = epoch.number;
    taken.arms.resize(arms_);
    for (std::size_t arm = 0; arm < arms_; ++arm)
      for (const bool is_analysed : {true, false})
        if (auto& part = epoch.arms[arm].of(is_analysed)) taken.arms[arm].of(is_analysed) = part->take_all();
  }
  // An epoch that has passed is let go of once nothing of it came for a while: the last one stays.
  if (epochs.size() > 1)
    epochs.erase(std::remove_if(epochs.begin(), epochs.end() - 1,
                                [&](const auto& epoch) {
                                  return std::none_of(slice.epochs.begin(), slice.epochs.end(),
                                                      [&](const auto& taken) { return taken.number == epoch.number; });
                                }),
                 epochs.end() - 1);
  return slice;
}

}  // namespace tandem::measure
