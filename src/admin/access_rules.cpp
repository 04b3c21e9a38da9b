#include "admin/access_rules.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/ascii.hpp"
#include "base/constant_time.hpp"

namespace tandem::admin {

namespace {

// The address as 16 bytes, IPv4 mapped into IPv6 (RFC 4291 §2.5.5.2), so that its notations compare equal.
std::optional<std::array<unsigned char, 16>> parse_address(std::string_view host) {
  const std::string text(host);
  std::array<unsigned char, 16> address{};
  if (inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
  address = {};
  address[10] = address[11] = 0xFF;
  if (inet_pton(AF_INET, text.c_str(), address.data() + 12) == 1) return address;
  return std::nullopt;
}

bool is_ipv4(const std::array<unsigned char, 16>& address) {
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  return std::equal(kMapped.begin(), kMapped.end(), address.begin());
}

bool is_loopback(const std::array<unsigned char, 16>& address) {
  if (is_ipv4(address)) return address[12] == 127;
  return address == std::array<unsigned char, 16>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
}

bool is_unspecified(const std::array<unsigned char, 16>& address) {
  const auto begin = is_ipv4(address) ? address.begin() + 12 : address.begin();
  return std::all_of(begin, address.end(), [](unsigned char byte) { return byte == 0; });
}

bool same_host(std::string_view a, std::string_view b) {
  a = host_of(a);
  b = host_of(b);
  if (ascii::equal_ignoring_case(a, b)) return true;
  const auto address = parse_address(a);
  return address && address == parse_address(b);
}

// The authority of "http://host:port" (RFC 6454 §7); data() == nullptr for "null" and anything else.
std::string_view authority_of_origin(std::string_view origin) {
  const auto colons = origin.find("://");
  if (colons == std::string_view::npos || colons == 0) return {};
  const auto authority = origin.substr(colons + 3);
  if (authority.empty() || authority.find_first_of("/ \t,@") != std::string_view::npos) return {};
  return authority;
}

std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (authorization.size() < kScheme.size() || !ascii::equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme))
    return {};
  return ascii::trim(authorization.substr(kScheme.size()));
}

bool is_token(std::string_view shown, std::string_view wanted) {
  return !wanted.empty() && equal_in_constant_time(shown, wanted);
}

}  // namespace

AccessRules::AccessRules(AdminOptions options) : options_(std::move(options)) {
  const auto address = parse_address(host_of(options_.listen_host));
  listens_everywhere_ = address && is_unspecified(*address);
}

// A name that is not ours may lead here through somebody's DNS; an address can't. So a listener on every address accepts
// each address, and no name that it was not told.
bool AccessRules::is_own_host(std::string_view authority) const {
  const auto host = host_of(authority);
  if (ascii::equal_ignoring_case(host, "localhost")) return true;
  if (const auto address = parse_address(host)) {
    if (is_loopback(*address) || listens_everywhere_) return true;
  }
  return !options_.listen_host.empty() && same_host(host, options_.listen_host);
}

bool AccessRules::is_listed_host(std::string_view authority) const {
  return std::any_of(options_.hosts.begin(), options_.hosts.end(),
                     [&](const auto& host) { return same_host(host, authority); });
}

std::optional<http::Problem> AccessRules::check_origin(const http::Request& request, const service::Peer& peer) const {
  // Browsers can't open Unix sockets, so whatever name a client there uses came from no web page. A request without any Host
  // is HTTP/1.0 and from no browser either.
  if (peer.address != "unix") {
    for (const auto authority : {request.authority, request.headers.find(http::Field::host)}) {
      if (authority.empty() || is_own_host(authority) || is_listed_host(authority)) continue;
      return http::Problem(403, "admin.foreign_host",
                           "the admin side does not answer to this Host; name it in the config's admin.hosts if it should");
    }
  }
  // Same origin as the request itself: a page of another port of this machine is as foreign as any.
  for (const auto& field : request.headers) {
    if (!ascii::equal_ignoring_case(field.name, "origin")) continue;
    const auto origin = authority_of_origin(field.value);
    if (!origin.empty() && (ascii::equal_ignoring_case(origin, request.authority) || is_listed_host(origin))) continue;
    return http::Problem(403, "admin.foreign_origin", "web pages of another origin may not speak to the admin side");
  }
  return std::nullopt;
}

std::optional<http::Problem> AccessRules::check_token(const http::Request& request) const {
  if (options_.token.empty() && options_.read_token.empty()) return std::nullopt;
  const auto shown = bearer_token(request.headers.find(http::Field::authorization));
  // Both are compared always, so that time does not tell which of them was near.
  const bool may_change = is_token(shown, options_.token);
  const bool may_read = is_token(shown, options_.read_token);
  const bool reads = request.method == http::Method::get || request.method == http::Method::head;
  if (may_change || (may_read && reads)) return std::nullopt;
  if (may_read) return http::Problem(403, "admin.read_only", "this token may read and not change");
  return http::Problem(401, "admin.unauthorized", "send Authorization: Bearer with the admin token");
}

std::string AccessRules::describe(const http::Request& request, const service::Peer& peer) const {
  const auto shown = bearer_token(request.headers.find(http::Field::authorization));
  return peer.address + (is_token(shown, options_.token)        ? ", with the admin token"
                         : is_token(shown, options_.read_token) ? ", with the read token"
                                                                : ", without a token");
}

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    return end == std::string_view::npos ? std::string_view{} : authority.substr(1, end - 1);
  }
  // More than one colon: an IPv6 address without brackets, as a listener's address may be written.
  const auto colon = authority.find(':');
  if (colon != std::string_view::npos && authority.find(':', colon + 1) == std::string_view::npos)
    authority = authority.substr(0, colon);
  if (authority.ends_with('.')) authority.remove_suffix(1);
  return authority;
}

}  // namespace tandem::admin
