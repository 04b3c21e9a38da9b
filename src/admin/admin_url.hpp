// Where an admin side is, as people write it: "http://HOST:PORT", "HOST:PORT" or "unix:/path"; without a port: 9090.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::admin {

struct AdminAddress {
  std::string host;  // a name or an address, IPv6 without brackets; empty: a Unix socket
  std::string port = "9090";
  std::string path;  // of the Unix socket

  // The field Host of a request (RFC 9110, section 7.2).
  std::string authority() const;
};

// Error command.bad_url: a sentence for a person.
Result<AdminAddress> parse_admin_url(std::string text);

// For a segment or a value of a URL (RFC 3986, section 2.1).
std::string percent_encoded(std::string_view text);

}  // namespace tandem::admin
