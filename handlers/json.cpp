#include <nlohmann/json.hpp>

#include "service/handler.hpp"

namespace tandem::handlers {

http::Response json(const http::Request&) {
  nlohmann::ordered_json document;
  document["message"] = "Hello, World!";
  return http::json_text(document.dump());
}

}  // namespace tandem::handlers
