// IP addresses and networks in numbers.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/result.hpp"

namespace tandem {

// An IPv4 address counts as the IPv6 one it is mapped to (RFC 4291 §2.5.5.2).
struct Address {
  // "192.0.2.7", "2001:db8::1"; nullopt for anything else.
  static std::optional<Address> parse(std::string_view text);

  bool is_loopback() const;

  std::array<unsigned char, 16> bytes{};
};

class Network {
 public:
  // "10.0.0.0/8", "fd00::/8", or one address. Errors: no address, a prefix that is too long, bits set behind it.
  static Result<Network> parse(std::string_view text);

  bool contains(const Address& address) const;

 private:
  Address first_;
  unsigned prefix_ = 128;
};

}  // namespace tandem
