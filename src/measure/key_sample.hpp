// The distinct keys whose hash lies below a threshold, which halves whenever too many are held: exact on that share of all
// keys, and bounded. Samples merge to what one place that saw all keys would hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem::measure {

class KeySample {
 public:
  static constexpr std::size_t kMaxHeld = 32'768;
  static constexpr std::uint64_t kEverything = std::uint64_t{1} << 32;

  KeySample() = default;
  // `hashes` in any order, also more than once.
  KeySample(std::uint64_t threshold, std::vector<std::uint32_t> hashes);

  // A power of two; the sample holds 1 in kEverything / threshold keys.
  std::uint64_t threshold() const { return threshold_; }
  // Ascending, all below the threshold.
  const std::vector<std::uint32_t>& hashes() const { return hashes_; }
  bool empty() const { return hashes_.empty() && threshold_ == kEverything; }

  // Keys held whose hash is below `threshold`: to compare samples, take the smaller threshold of both.
  std::uint64_t count_below(std::uint64_t threshold) const;
  // How many keys there were, estimated from the share that is held; exact while that is everything.
  std::uint64_t estimate() const { return hashes_.size() * (kEverything / threshold_); }

  void merge(const KeySample& other);

  bool operator==(const KeySample&) const = default;

 private:
  void shrink();

  std::uint64_t threshold_ = kEverything;
  std::vector<std::uint32_t> hashes_;
};

}  // namespace tandem::measure
