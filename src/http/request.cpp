#include "http/request.hpp"

namespace tandem::http {

void Request::clear() {
  method = Method::get;
  version = Version::http_1_1;
  method_text = target = path = query = authority = {};
  scheme = "http";
  headers.clear();
  body = nullptr;
  path_params.clear();
  decoded.clear();
}

}  // namespace tandem::http
