#include "service/request_id.hpp"

#include <algorithm>
#include <random>

#include "base/ascii.hpp"

namespace tandem::service {

bool is_sane_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ascii::is_digit(c) ||
           std::string_view("-_.:+/=@").find(c) != std::string_view::npos;
  });
}

void assign_id(Call& call, std::string_view sent) {
  if (is_sane_id(sent)) {
    std::copy(sent.begin(), sent.end(), call.id_bytes.begin());
    call.id_length = static_cast<std::uint8_t>(sent.size());
    return;
  }
  // A random start a thread, then a Weyl sequence through a bijective mix (splitmix64): no repetition within a thread.
  static thread_local std::uint64_t state = (std::uint64_t{std::random_device{}()} << 32) ^ std::random_device{}();
  std::uint64_t bits = (state += 0x9e3779b97f4a7c15);
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  bits ^= bits >> 31;
  for (std::size_t i = 0; i < 16; ++i) call.id_bytes[i] = "0123456789abcdef"[(bits >> (60 - 4 * i)) & 15];
  call.id_length = 16;
}

}  // namespace tandem::service
