#include <string>
#include <string_view>
#include <vector>

#include "base/ascii.hpp"
#include "service/handler.hpp"

namespace tandem::handlers {
namespace {

struct Cookie {
  std::string_view name;
  std::string_view value;
};

// Of a repeated name the first place and the last value count, as in a Python dict.
void put(std::vector<Cookie>& cookies, Cookie cookie) {
  for (auto& known : cookies) {
    if (known.name != cookie.name) continue;
    known.value = cookie.value;
    return;
  }
  cookies.push_back(cookie);
}

}  // namespace

http::Response cookies(const http::Request& request) {
  std::vector<Cookie> cookies;
  for (const auto& field : request.headers) {
    if (field.id != http::Field::cookie) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const auto pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos) continue;
      const auto name = ascii::trim(pair.substr(0, equals));
      if (!name.empty()) put(cookies, {name, ascii::trim(pair.substr(equals + 1))});
    }
  }
  std::string lines;
  for (const auto& cookie : cookies) lines.append(cookie.name).append("=").append(cookie.value).append("\n");
  return http::text(std::move(lines));
}

}  // namespace tandem::handlers
