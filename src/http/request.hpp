// One HTTP request, of whatever protocol version. Its views point into memory of the connection that read it and live for
// one exchange. It knows no connection and no framing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/body.hpp"
#include "http/headers.hpp"
#include "http/method.hpp"

namespace tandem::http {

enum class Version : std::uint8_t { http_1_0 = 10, http_1_1 = 11, http_2 = 20 };

struct PathParam {
  std::string_view name;   // into the route table
  std::string_view value;  // percent-decoded
};

class Request {
 public:
  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  Method method = Method::get;
  Version version = Version::http_1_1;
  std::string_view method_text;
  std::string_view target;     // as received
  std::string_view path;       // percent-encoded, begins with '/'
  std::string_view query;      // without '?', percent-encoded
  std::string_view authority;  // of the target, else Host; empty in HTTP/1.0 without either
  std::string_view scheme = "http";
  RequestHeaders headers;
  RequestBody* body = nullptr;  // never null while a handler runs

  std::vector<PathParam> path_params;  // set by the router
  std::string decoded;                 // memory for decoded path segments, set by the router

  // Percent-decoded value of `{name}` in the route's path; empty when the route has none of that name.
  std::string_view path_param(std::string_view name) const {
    for (const auto& param : path_params)
      if (param.name == name) return param.value;
    return {};
  }

  // The body of a request that was handed to a buffered endpoint.
  std::string_view body_text() const { return body->buffered().value_or(std::string_view{}); }

  // Forgets everything but keeps the memory for the next request.
  void clear();
};

}  // namespace tandem::http
