#include <string>

#include "handlers/arguments.hpp"
#include "service/handler.hpp"

namespace tandem::handlers {

http::Response status(const http::Request& request) {
  const auto code = parse_whole(request.path_param("code"), 200, 599);
  if (!code) return not_whole("code", 200, 599);
  // These three have no content (RFC 9110 §15.3.5, §15.3.6, §15.4.5).
  if (*code == 204 || *code == 205 || *code == 304) return http::Response(static_cast<int>(*code));
  return http::Response(static_cast<int>(*code), http::kTextPlain, "status " + std::to_string(*code));
}

}  // namespace tandem::handlers
