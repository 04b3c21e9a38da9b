#include "base/network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

namespace tandem {
namespace {

constexpr std::size_t kMapped = 12;  // bytes before the IPv4 address in its mapped form

// Clears the bits behind the prefix; were there any?
bool clear_host_bits(Address& address, unsigned prefix) {
  bool any = false;
  for (unsigned bit = prefix; bit < 128; ++bit) {
    auto& byte = address.bytes[bit / 8];
    const auto mask = static_cast<unsigned char>(0x80u >> bit % 8);
    any = any || (byte & mask) != 0;
    byte &= static_cast<unsigned char>(~mask);
  }
  return any;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof(terminated)) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  Address address;
  if (text.find(':') != std::string_view::npos) {
    if (inet_pton(AF_INET6, terminated, address.bytes.data()) != 1) return std::nullopt;
    return address;
  }
  if (inet_pton(AF_INET, terminated, address.bytes.data() + kMapped) != 1) return std::nullopt;
  address.bytes[kMapped - 2] = address.bytes[kMapped - 1] = 0xFF;
  return address;
}

bool Address::is_loopback() const {
  static constexpr std::array<unsigned char, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const bool is_mapped = std::all_of(bytes.begin(), bytes.begin() + 10, [](auto byte) { return byte == 0; }) &&
                         bytes[10] == 0xFF && bytes[11] == 0xFF;
  return bytes == kLoopback || (is_mapped && bytes[kMapped] == 127);
}

Result<Network> Network::parse(std::string_view text) {
  const auto written = "\"" + std::string(text) + "\"";
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return Error("expected a network (\"10.0.0.0/8\"), an address or \"unix\", got " + written);
  Network network;
  network.first_ = *address;
  if (slash == std::string_view::npos) return network;
  const bool is_v6 = text.find(':') != std::string_view::npos;
  const unsigned longest = is_v6 ? 128 : 32;
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (digits.empty() || end != digits.data() + digits.size() || error != std::errc() || length > longest)
    return Error("expected a prefix length from 0 to " + std::to_string(longest) + " after the slash, got " + written);
  network.prefix_ = is_v6 ? length : 96 + length;
  if (!clear_host_bits(network.first_, network.prefix_)) return network;
  char meant[INET6_ADDRSTRLEN];
  inet_ntop(is_v6 ? AF_INET6 : AF_INET, network.first_.bytes.data() + (is_v6 ? 0 : kMapped), meant, sizeof(meant));
  return Error(written + " has bits set behind its prefix (did you mean \"" + meant + "/" + std::to_string(length) + "\"?)");
}

bool Network::contains(const Address& address) const {
  Address masked = address;
  clear_host_bits(masked, prefix_);
  return masked.bytes == first_.bytes;
}

}  // namespace tandem
