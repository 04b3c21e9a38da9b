// MurmurHash3 x86 32-bit (Austin Appleby, public domain), piece by piece: the hash behind assignment. Every replica and
// every compiler gives the same bucket, so this must never change.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tandem::experiment {

class Murmur3 {
 public:
  explicit constexpr Murmur3(std::uint32_t seed = 0) : hash_(seed) {}

  constexpr Murmur3& add(std::string_view bytes) {
    const auto have = 8 * (length_ & 3);  // bits of an unfinished block
    for (; bytes.size() >= 4; bytes.remove_prefix(4), length_ += 4) {
      const auto word = byte(bytes[0]) | byte(bytes[1]) << 8 | byte(bytes[2]) << 16 | byte(bytes[3]) << 24;
      block_ |= word << have;
      mix();
      if (have != 0) block_ = word >> (32 - have);
    }
    for (const char each : bytes) {
      block_ |= byte(each) << 8 * (length_ & 3);
      if ((++length_ & 3) == 0) mix();
    }
    return *this;
  }

  constexpr std::uint32_t finish() const {
    std::uint32_t hash = hash_;
    if ((length_ & 3) != 0) hash ^= scramble(block_);
    hash ^= length_;
    hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
    hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
    return hash ^ (hash >> 16);
  }

 private:
  static constexpr std::uint32_t byte(char value) { return static_cast<unsigned char>(value); }
  static constexpr std::uint32_t rotate(std::uint32_t value, int bits) { return value << bits | value >> (32 - bits); }
  static constexpr std::uint32_t scramble(std::uint32_t block) { return rotate(block * 0xcc9e2d51, 15) * 0x1b873593; }

  constexpr void mix() {
    hash_ = rotate(hash_ ^ scramble(block_), 13) * 5 + 0xe6546b64;
    block_ = 0;
  }

  std::uint32_t hash_;
  std::uint32_t block_ = 0;  // bytes of an unfinished block
  std::uint32_t length_ = 0;
};

// What a key is hashed for. Each purpose has a hash of its own, so that, say, who is shadowed says nothing about who is
// assigned where.
class KeyHash {
 public:
  // "assign", "shadow" or "cluster".
  KeyHash(std::string_view purpose, std::string_view salt) {
    constexpr std::string_view kNul("\0", 1);
    begun_.add(purpose).add(kNul).add(salt).add(kNul);
  }

  std::uint32_t operator()(std::string_view key) const { return Murmur3(begun_).add(key).finish(); }

 private:
  Murmur3 begun_;
};

// 0 … 9999.
constexpr unsigned bucket_of(std::uint32_t hash) { return static_cast<unsigned>((std::uint64_t{hash} * 10'000) >> 32); }

}  // namespace tandem::experiment
