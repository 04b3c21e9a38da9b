// Comparing secrets.
#pragma once

#include <string_view>

namespace tandem {

// Takes as long wherever the first difference is, so that a token can't be guessed byte by byte.
inline bool equal_in_constant_time(std::string_view a, std::string_view b) {
  volatile unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference = difference | static_cast<unsigned char>(a[i] ^ (b.empty() ? 0xFF : b[i % b.size()]));
  return difference == 0;
}

}  // namespace tandem
