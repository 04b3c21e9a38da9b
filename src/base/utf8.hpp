// UTF-8 (RFC 3629).
#pragma once

#include <cstddef>
#include <string_view>

namespace tandem {

// At most `bytes` of the text, cut between characters.
constexpr std::string_view utf8_prefix(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace tandem
