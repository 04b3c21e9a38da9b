#include <string>

#include "service/handler.hpp"

namespace tandem::handlers {

http::Response headers(const http::Request& request) {
  std::string lines;
  for (const auto& field : request.headers) lines.append(field.name).append(": ").append(field.value).append("\n");
  return http::text(std::move(lines));
}

}  // namespace tandem::handlers
