// Who may speak to the admin side. A web page in somebody's browser may not: its requests carry a foreign Host (DNS
// rebinding) or a foreign Origin. Whoever is asked for a token must show it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/problem.hpp"
#include "http/request.hpp"
#include "service/call.hpp"

namespace tandem::admin {

struct AdminOptions {
  std::string listen_host = "127.0.0.1";  // the listener's own address; empty for a Unix socket
  std::vector<std::string> hosts;         // further names under which the admin side may be addressed
  std::string token;                      // may read and change; empty: none
  std::string read_token;                 // may read; empty: none. Without either token, none is asked for
};

class AccessRules {
 public:
  explicit AccessRules(AdminOptions options);

  // Why the request is refused for where it comes from: 403 admin.foreign_host or admin.foreign_origin.
  std::optional<http::Problem> check_origin(const http::Request& request, const service::Peer& peer) const;

  // Why the request is refused for its token: 401 admin.unauthorized, 403 admin.read_only.
  std::optional<http::Problem> check_token(const http::Request& request) const;

  // Who asks, for the log: "127.0.0.1, with the admin token". Of a request that was let in.
  std::string describe(const http::Request& request, const service::Peer& peer) const;

 private:
  bool is_own_host(std::string_view authority) const;
  bool is_listed_host(std::string_view authority) const;

  AdminOptions options_;
  bool listens_everywhere_;
};

// The host of "host", "host:port", "[v6]" or "[v6]:port", without brackets and a final dot.
std::string_view host_of(std::string_view authority);

}  // namespace tandem::admin
