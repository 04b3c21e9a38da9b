// Request methods: those of the IANA registry that servers meet, everything else is `other` (501 unless a route asks for
// it).
#pragma once

#include <cstdint>
#include <string_view>

namespace tandem::http {

enum class Method : std::uint8_t {
  other,
  get,
  head,
  post,
  put,
  delete_,
  options,
  patch,
  trace,
  connect,
  // WebDAV and its relatives: known, so a wrong one is 405 and not 501.
  acl,
  bind,
  checkin,
  checkout,
  copy,
  label,
  link,
  lock,
  merge,
  mkactivity,
  mkcalendar,
  mkcol,
  move,
  notify,
  propfind,
  proppatch,
  purge,
  rebind,
  report,
  search,
  subscribe,
  unbind,
  unlink,
  unlock,
  unsubscribe
};

// Methods are case-sensitive (RFC 9110 §9.1): "get" is `other`.
Method parse_method(std::string_view text);

// The method's name; empty for `other`.
std::string_view format_method(Method method);

}  // namespace tandem::http
