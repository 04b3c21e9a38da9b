// Cheap random numbers for draws and ids; not for secrets.
#pragma once

#include <cstdint>
#include <random>

namespace tandem {

// 64 random bits: splitmix64 (Steele, Lea, Flood 2014), a state a thread with a random start. No repetition within a thread.
inline std::uint64_t random_bits() {
  static thread_local std::uint64_t state = (std::uint64_t{std::random_device{}()} << 32) ^ std::random_device{}();
  std::uint64_t bits = (state += 0x9e3779b97f4a7c15);
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

}  // namespace tandem
