#include "experiment/key.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/ascii.hpp"
#include "base/network.hpp"
#include "base/random.hpp"
#include "http/target.hpp"

namespace tandem::experiment {
namespace {

constexpr std::size_t kMintedDigits = 32;

std::string hexadecimal(const unsigned char* bytes, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

// The network that the client is in, as hexadecimal digits of its first address; whole addresses are keys as they are
// written.
void find_client(const KeySource& source, const service::Call& call, Key& key) {
  const std::string& written = call.client->address;
  auto address = Address::parse(written);
  if (!address) return;  // a Unix socket
  const bool is_ipv6 = written.find(':') != std::string::npos;
  const unsigned prefix = is_ipv6 ? source.ipv6_prefix : source.ipv4_prefix + 96;
  if (prefix == 128) {
    key.text = written;
    return;
  }
  for (unsigned bit = prefix; bit < 128; ++bit) address->bytes[bit / 8] &= static_cast<unsigned char>(~(0x80u >> bit % 8));
  key.made = hexadecimal(address->bytes.data(), address->bytes.size());
  key.text = key.made;
}

void find_in(const KeySource& source, const http::Request& request, const service::Call& call, Key& key) {
  using Kind = KeySource::Kind;
  switch (source.kind) {
    case Kind::cookie:
      key.text = find_cookie(request.headers, source.name);
      return;
    case Kind::header:
      key.text = request.headers.find(source.name);
      return;
    case Kind::query:
      if (auto value = http::find_query(request.query, source.name)) key.made = std::move(*value);
      key.text = key.made;
      return;
    case Kind::path:
      key.text = request.path_param(source.name);
      return;
    case Kind::client_ip:
      find_client(source, call, key);
      return;
    case Kind::mint:
      key.text = find_cookie(request.headers, source.name);
      if (is_minted(key.text)) return;
      key.made = mint();
      key.text = key.made;
      key.is_minted = true;
      return;
    case Kind::random:
      return;
  }
}

}  // namespace

void find_key(const std::vector<KeySource>& sources, const http::Request& request, const service::Call& call, Key& key) {
  for (const auto& source : sources) {
    if (source.kind == KeySource::Kind::random) {
      key.source = &source;
      return;
    }
    find_in(source, request, call, key);
    if (key.text.empty()) continue;
    key.source = &source;
    return;
  }
}

std::string_view find_cookie(const http::RequestHeaders& headers, std::string_view name) {
  for (const auto& field : headers) {
    if (field.id != http::Field::cookie) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      const auto pair = ascii::trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (pair.size() > name.size() && pair[name.size()] == '=' && pair.substr(0, name.size()) == name)
        return pair.substr(name.size() + 1);
    }
  }
  return {};
}

std::string mint() {
  std::array<unsigned char, kMintedDigits / 2> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK) != static_cast<ssize_t>(bytes.size())) {
    // Before the kernel's pool is ready, at boot: an id only has to be one of its own.
    const std::array<std::uint64_t, 2> bits{random_bits(), random_bits()};
    std::memcpy(bytes.data(), bits.data(), bytes.size());
  }
  return hexadecimal(bytes.data(), bytes.size());
}

bool is_minted(std::string_view text) {
  return text.size() == kMintedDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return ascii::is_digit(c) || (c >= 'a' && c <= 'f'); });
}

std::string mint_cookie(const KeySource& source, std::string_view id, Milliseconds max_age, bool is_secure) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(max_age).count();
  std::string cookie = source.name;
  cookie.append("=").append(id).append("; Max-Age=").append(std::to_string(seconds));
  cookie.append("; Path=/; HttpOnly; SameSite=Lax");
  if (is_secure) cookie.append("; Secure");
  return cookie;
}

}  // namespace tandem::experiment
