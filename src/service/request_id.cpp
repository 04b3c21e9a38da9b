#include "service/request_id.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/random.hpp"

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
  const auto bits = random_bits();
  for (std::size_t i = 0; i < 16; ++i) call.id_bytes[i] = "0123456789abcdef"[(bits >> (60 - 4 * i)) & 15];
  call.id_length = 16;
}

}  // namespace tandem::service
