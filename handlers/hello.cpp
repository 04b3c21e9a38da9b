#include <nlohmann/json.hpp>
#include <string>

#include "service/handler.hpp"

namespace tandem::handlers {

http::Response hello(const http::Request& request) {
  nlohmann::ordered_json document;
  document["message"] = "Hello, " + std::string(request.path_param("name")) + "!";
  // A name may be any bytes: what is not UTF-8 becomes U+FFFD, as in Python's decode("utf-8", "replace").
  return http::json_text(document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace tandem::handlers
