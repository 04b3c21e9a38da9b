#include "http/method.hpp"

#include <array>

namespace tandem::http {
namespace {
constexpr std::array<std::string_view, 35> kNames = {
    "",        "GET",        "HEAD",       "POST",      "PUT",      "DELETE", "OPTIONS",  "PATCH",      "TRACE",
    "CONNECT", "ACL",        "BIND",       "CHECKIN",   "CHECKOUT", "COPY",   "LABEL",    "LINK",       "LOCK",
    "MERGE",   "MKACTIVITY", "MKCALENDAR", "MKCOL",     "MOVE",     "NOTIFY", "PROPFIND", "PROPPATCH",  "PURGE",
    "REBIND",  "REPORT",     "SEARCH",     "SUBSCRIBE", "UNBIND",   "UNLINK", "UNLOCK",   "UNSUBSCRIBE"};
static_assert(kNames.size() == static_cast<std::size_t>(Method::unsubscribe) + 1);
}  // namespace

Method parse_method(std::string_view text) {
  if (text == "GET") return Method::get;
  if (text == "POST") return Method::post;
  for (std::size_t i = 1; i < kNames.size(); ++i)
    if (kNames[i] == text) return static_cast<Method>(i);
  return Method::other;
}

std::string_view format_method(Method method) { return kNames[static_cast<std::size_t>(method)]; }

}  // namespace tandem::http
