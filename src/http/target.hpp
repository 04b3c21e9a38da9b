// The request target (RFC 9112 §3.2): its four forms, and the percent-encoding and query notations inside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::http {

// Views into the target it was parsed from.
struct Target {
  std::string_view scheme;     // absolute form only
  std::string_view authority;  // absolute form and CONNECT only
  std::string_view path;       // percent-encoded, begins with '/'; "*" for OPTIONS *; empty for CONNECT
  std::string_view query;      // without '?'
};

// Errors: empty, non-ASCII or control bytes, white space, a fragment, a malformed escape in the path, a form that the method
// does not allow.
Result<Target> parse_target(std::string_view text, bool is_connect, bool is_options);

// Is it host[:port] with a sane host (reg-name, IPv4 or [IPv6]), no user-info, no path, no list (RFC 9110 §4.2.4, §7.2)?
bool is_authority(std::string_view text);

// nullopt when a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

// A name or value of an application/x-www-form-urlencoded query: '+' is a space, and a '%' that begins no escape stands for
// itself, as in browsers and urllib.parse.
std::string decode_query_part(std::string_view text);

// The first value of `name` in an application/x-www-form-urlencoded query; nullopt when absent.
std::optional<std::string> find_query(std::string_view query, std::string_view name);

}  // namespace tandem::http
