#include "service/handler.hpp"

namespace tandem::handlers {

// Bytes of static storage: this answer allocates nothing.
http::Response plaintext(const http::Request&) {
  return http::Response(200, http::kTextPlain, std::string_view("Hello, World!"));
}

}  // namespace tandem::handlers
