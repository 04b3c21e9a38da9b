#include "admin/admin_url.hpp"

#include <sys/un.h>

namespace tandem::admin {

std::string AdminAddress::authority() const {
  if (host.empty()) return "localhost";
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + port;
}

Result<AdminAddress> parse_admin_url(std::string text) {
  const Error malformed("command.bad_url", "\"" + text + "\" is no admin URL: write http://HOST:PORT or unix:/path");
  AdminAddress address;
  if (text.starts_with("unix:")) {
    address.path = text.substr(5);
    // Some write it as a URL of its own kind, unix:///run/tandem.sock.
    if (address.path.starts_with("//")) address.path.erase(0, 2);
    if (address.path.empty() || address.path.size() >= sizeof(sockaddr_un::sun_path)) return malformed;
    return address;
  }
  if (text.starts_with("http://")) text.erase(0, 7);
  if (text.ends_with('/')) text.pop_back();
  if (text.find_first_of("/?#@ ") != std::string::npos) return malformed;
  const auto bracket = text.rfind(']');
  const auto colon = text.rfind(':');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    address.port = text.substr(colon + 1);
    text.erase(colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  address.host = text;
  const bool is_number = address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.host.empty() || address.port.empty() || address.port.size() > 5 || !is_number) return malformed;
  return address;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.') {
      out += c;
    } else {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      ((out += '%') += kHex[byte >> 4]) += kHex[byte & 15];
    }
  }
  return out;
}

}  // namespace tandem::admin
