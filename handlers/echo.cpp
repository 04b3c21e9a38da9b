#include <string>

#include "service/handler.hpp"

namespace tandem::handlers {

http::Response echo(const http::Request& request) {
  http::Response response;
  const auto type = request.headers.find(http::Field::content_type);
  if (type.empty() || !response.headers.add("Content-Type", type)) response.content_type = http::kOctetStream;
  response.body = std::string(request.body_text());
  return response;
}

}  // namespace tandem::handlers
