// HMAC-SHA256 (RFC 2104, FIPS 180-4): signatures that a token's owner can make with any tool, such as `openssl dgst -hmac`.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace tandem {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view bytes);
Digest hmac_sha256(std::string_view key, std::string_view bytes);

// In small hexadecimal digits.
std::string format_digest(const Digest& digest);

}  // namespace tandem
