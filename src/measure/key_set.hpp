// The keys of a KeySample as they come in, one by one: a hash set that remembers which it has not handed over yet. Thread:
// one.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "measure/key_sample.hpp"

namespace tandem::measure {

class KeySet {
 public:
  void add(std::uint32_t hash) {
    if (hash >= threshold_) return;
    if (hash == kEmpty) --hash;  // one hash in four billion shares its place with its neighbour
    auto& slot = find(hash);
    if (slot == hash) return;
    slot = hash;
    fresh_.push_back(hash);
    if (++held_ > KeySample::kMaxHeld)
      halve();
    else if (held_ * 2 > slots_.size())
      rebuild(slots_.size() * 2);
  }

  // The keys that are new since the last call.
  KeySample take() { return {threshold_, std::exchange(fresh_, {})}; }

 private:
  static constexpr std::uint32_t kEmpty = 0xFFFF'FFFF;
  static constexpr std::size_t kLeastSlots = 256;

  // The key's slot, or the empty one where it belongs. The hash's lower bits choose it: its upper ones are what the
  // threshold looks at.
  std::uint32_t& find(std::uint32_t hash) {
    const auto mask = slots_.size() - 1;
    auto at = hash & mask;
    while (slots_[at] != hash && slots_[at] != kEmpty) at = (at + 1) & mask;
    return slots_[at];
  }

  void halve() {
    while (held_ > KeySample::kMaxHeld) {
      threshold_ /= 2;
      rebuild(slots_.size());
    }
  }

  void rebuild(std::size_t size) {
    const auto old = std::exchange(slots_, std::vector<std::uint32_t>(size, kEmpty));
    held_ = 0;
    for (const auto hash : old)
      if (hash != kEmpty && hash < threshold_) {
        find(hash) = hash;
        ++held_;
      }
  }

  std::uint64_t threshold_ = KeySample::kEverything;
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(kLeastSlots, kEmpty);
  std::size_t held_ = 0;
  std::vector<std::uint32_t> fresh_;
};

}  // namespace tandem::measure
