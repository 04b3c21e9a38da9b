#include "http/target.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace tandem::http {
namespace {

bool is_target_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' && c != '`';
}

// Browsers leave these as they are in a query, and a '%' that begins no escape (WHATWG URL, query percent-encode set); so do
// other servers.
bool is_query_char(char c) { return is_target_char(c) || c == '\\' || c == '^' || c == '`'; }

bool well_formed(std::string_view text) {
  const auto question = std::min(text.find('?'), text.size());
  if (!std::all_of(text.begin() + static_cast<std::ptrdiff_t>(question), text.end(), is_query_char)) return false;
  text = text.substr(0, question);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_target_char(text[i])) return false;
    if (text[i] == '%') {
      if (i + 2 >= text.size() || ascii::hex_value(text[i + 1]) < 0 || ascii::hex_value(text[i + 2]) < 0) return false;
      if (text[i + 1] == '0' && text[i + 2] == '0') return false;  // an encoded NUL ends strings in other programs
    }
  }
  return true;
}

Target split_path(std::string_view text) {
  Target target;
  const auto question = text.find('?');
  target.path = text.substr(0, question);
  if (question != std::string_view::npos) target.query = text.substr(question + 1);
  return target;
}

}  // namespace

bool is_authority(std::string_view text) {
  if (text.empty()) return false;
  std::string_view port;
  bool has_port = false;
  if (text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    for (char c : text.substr(1, close - 1))
      if (ascii::hex_value(c) < 0 && c != ':' && c != '.') return false;
    const auto rest = text.substr(close + 1);
    if (!rest.empty()) {
      if (rest.front() != ':') return false;
      has_port = true;
      port = rest.substr(1);
    }
  } else {
    const auto colon = text.find(':');
    const auto host = text.substr(0, colon);
    if (host.empty()) return false;
    for (std::size_t i = 0; i < host.size(); ++i) {
      const char c = host[i];
      const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ascii::is_digit(c) ||
                              std::string_view("-._~!$&'()*+;=").find(c) != std::string_view::npos;
      if (c == '%') {
        if (i + 2 >= host.size() || ascii::hex_value(host[i + 1]) < 0 || ascii::hex_value(host[i + 2]) < 0) return false;
      } else if (!unreserved) {
        return false;
      }
    }
    if (colon != std::string_view::npos) {
      has_port = true;
      port = text.substr(colon + 1);
    }
  }
  if (!has_port) return true;
  if (port.size() > 5) return false;
  for (char c : port)
    if (!ascii::is_digit(c)) return false;
  return true;
}

Result<Target> parse_target(std::string_view text, bool is_connect, bool is_options) {
  if (is_connect) {
    if (!is_authority(text) || text.find(':') == std::string_view::npos)
      return Error("http.bad_target", "CONNECT takes a target of the form host:port");
    Target target;
    target.authority = text;
    return target;
  }
  if (text == "*") {
    if (!is_options) return Error("http.bad_target", "the target * is for OPTIONS only");
    return split_path(text);
  }
  if (!well_formed(text))
    return Error("http.bad_target",
                 "the request target holds a character that must be percent-encoded, or a malformed escape");
  if (!text.empty() && text.front() == '/') return split_path(text);

  const auto colon = text.find("://");
  if (colon == std::string_view::npos)
    return Error("http.bad_target", "the request target must begin with / or be an absolute URI");
  const auto scheme = text.substr(0, colon);
  if (!ascii::equal_ignoring_case(scheme, "http") && !ascii::equal_ignoring_case(scheme, "https"))
    return Error("http.bad_target", "the request target has a scheme other than http or https");
  auto rest = text.substr(colon + 3);
  const auto end = rest.find_first_of("/?");
  const auto authority = rest.substr(0, end);
  if (!is_authority(authority)) return Error("http.bad_target", "the request target has a malformed authority");
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
  auto target = split_path(rest);
  if (target.path.empty()) target.path = is_options && rest.empty() ? "*" : "/";
  target.scheme = scheme;
  target.authority = authority;
  return target;
}

namespace {

// The byte that the escape at `at` stands for; -1 when it is none.
int escaped_byte(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size()) return -1;
  const int high = ascii::hex_value(text[at + 1]);
  const int low = ascii::hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const int byte = escaped_byte(text, i);
    if (byte < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(byte));
    i += 2;
  }
  return decoded;
}

std::string decode_query_part(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = text[i] == '%' ? escaped_byte(text, i) : -1;
    if (byte < 0) {
      decoded.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    decoded.push_back(static_cast<char>(byte));
    i += 2;
  }
  return decoded;
}

std::optional<std::string> find_query(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (decode_query_part(pair.substr(0, equals)) == name)
      return decode_query_part(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
  }
  return std::nullopt;
}

}  // namespace tandem::http
