#include "measure/key_sample.hpp"

#include <algorithm>
#include <iterator>

namespace tandem::measure {

KeySample::KeySample(std::uint64_t threshold, std::vector<std::uint32_t> hashes)
    : threshold_(threshold), hashes_(std::move(hashes)) {
  std::sort(hashes_.begin(), hashes_.end());
  hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  shrink();
}

std::uint64_t KeySample::count_below(std::uint64_t threshold) const {
  const auto end = std::lower_bound(hashes_.begin(), hashes_.end(), threshold,
                                    [](std::uint32_t hash, std::uint64_t border) { return hash < border; });
  return static_cast<std::uint64_t>(end - hashes_.begin());
}

void KeySample::merge(const KeySample& other) {
  if (other.empty()) return;
  threshold_ = std::min(threshold_, other.threshold_);
  if (!other.hashes_.empty()) {
    std::vector<std::uint32_t> both;
    both.reserve(hashes_.size() + other.hashes_.size());
    std::set_union(hashes_.begin(), hashes_.end(), other.hashes_.begin(), other.hashes_.end(), std::back_inserter(both));
    hashes_ = std::move(both);
  }
  shrink();
}

void KeySample::shrink() {
  hashes_.resize(count_below(threshold_));
  while (hashes_.size() > kMaxHeld) {
    threshold_ /= 2;
    hashes_.resize(count_below(threshold_));
  }
}

}  // namespace tandem::measure
