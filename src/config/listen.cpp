#include "config/listen.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <charconv>
#include <string>

#include "base/ascii.hpp"
#include "base/network.hpp"

namespace tandem::config {
namespace {

constexpr std::string_view kUnix = "unix:";

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Result<net::ListenOptions> parse_unix(std::string_view text) {
  net::ListenOptions listen;
  listen.kind = net::ListenOptions::Kind::unix_socket;
  listen.host.clear();
  listen.port = 0;
  listen.text = text;
  listen.path = text.substr(kUnix.size());
  if (listen.path.empty()) return Error("\"unix:\" needs the path of a socket, as in \"unix:/run/tandem.sock\"");
  if (constexpr auto kMax = sizeof(sockaddr_un::sun_path) - 1; listen.path.size() > kMax)
    return Error("the path of a Unix socket has at most " + std::to_string(kMax) + " bytes, this one has " +
                 std::to_string(listen.path.size()));
  return listen;
}

}  // namespace

Result<net::ListenOptions> parse_listen(std::string_view text) {
  if (text.substr(0, kUnix.size()) == kUnix) return parse_unix(text);
  const auto written = "\"" + std::string(text) + "\"";
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.empty() || text.back() == ']')
    return Error("expected HOST:PORT, [IPV6]:PORT or unix:PATH, got " + written);
  auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);

  net::ListenOptions listen;
  listen.text = text;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), listen.port);
  if (port.empty() || end != port.data() + port.size() || error != std::errc())
    return Error("expected a port from 0 to 65535 after the last colon, got " + written);
  if (host.empty() || host == "*")
    return Error("the address is missing: write \"0.0.0.0:" + std::string(port) + "\" or \"[::]:" + std::string(port) +
                 "\" to accept on all");
  const bool has_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (has_brackets) host = host.substr(1, host.size() - 2);
  listen.host = host;
  if (has_brackets && !is_ipv6(listen.host)) return Error("\"" + listen.host + "\" is no IPv6 address");
  if (!has_brackets && is_ipv6(listen.host))
    return Error("an IPv6 address stands in brackets: \"[" + listen.host + "]:" + std::string(port) + "\"");
  if (!has_brackets && !is_ipv4(listen.host) && listen.host != "localhost")
    return Error("expected a numeric address or localhost before the port, got \"" + listen.host + "\"");
  return listen;
}

Result<void> check_network(std::string_view text) {
  if (text == "unix") return {};
  const auto network = Network::parse(text);
  if (!network) return network.error();
  return {};
}

bool is_local(const net::ListenOptions& listen) {
  if (listen.kind == net::ListenOptions::Kind::unix_socket || listen.host == "localhost") return true;
  if (in6_addr v6{}; inet_pton(AF_INET6, listen.host.c_str(), &v6) == 1)
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
  in_addr v4{};
  return inet_pton(AF_INET, listen.host.c_str(), &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

bool is_same_address(const net::ListenOptions& a, const net::ListenOptions& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == net::ListenOptions::Kind::unix_socket) return a.path == b.path;
  return a.port == b.port && a.port != 0 && a.host == b.host;
}

}  // namespace tandem::config
