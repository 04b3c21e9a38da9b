// The whole configuration as plain values: what config::load() makes of the file, and all that the rest of the server sees
// of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiment/settings.hpp"
#include "net/net_options.hpp"
#include "pool/pool_options.hpp"

namespace tandem::config {

enum class PinPolicy : std::uint8_t { loopback, token, open, off };
enum class Backend : std::uint8_t { native, python, asgi, wsgi, application /* asgi or wsgi, as the worker finds */ };

// A place in the file, for messages that only later steps can give (an endpoint that no module has).
struct Place {
  std::string pointer;  // "/routes/3/arms/py/python"
  std::size_t line = 0;
  std::size_t column = 0;
};

struct EndpointConfig {
  Backend backend = Backend::native;
  std::string endpoint;  // "plaintext", "greet:hello"
  std::string pool;      // name of the pool for python, asgi, wsgi; empty for native
  std::optional<Milliseconds> timeout;
  std::string root_path;  // of an application behind a proxy that takes this off the path
  Place place;
};

struct ArmConfig {
  std::string name;  // empty: the only endpoint of a route without arms
  double weight = 1;
  EndpointConfig endpoint;
};

struct RouteConfig {
  std::string path;
  std::string name;                  // given, else the path
  std::vector<std::string> methods;  // as given; empty: the default of its backend; {"*"}: any
  std::vector<ArmConfig> arms;       // one or more, in file order
  bool is_twin = false;              // written with "arms"
  bool stream = false;
  std::optional<std::uint64_t> body_bytes;  // route's own limit; UINT64_MAX: none
  std::optional<Milliseconds> timeout;
  std::optional<PinPolicy> pin;
  std::optional<experiment::Settings> experiment;  // of a twin route
  Place place;
};

struct AdminConfig {
  std::optional<net::ListenOptions> listen;  // nullopt: no admin side ("admin": null)
  std::vector<std::string> hosts;
  std::string token;  // content of token_file; empty: none
  std::string read_token;
};

struct LogConfig {
  std::string level = "info";   // trace, debug, info, warn, error, critical, off
  std::string format = "text";  // text, json
  bool access = true;
  std::string file;  // empty: standard error (log) and standard output (nothing)
};

struct Config {
  std::string file;  // as named by the user
  std::vector<net::ListenOptions> listen;
  unsigned threads = 1;  // resolved from "auto"
  AdminConfig admin;
  net::NetOptions net;
  std::map<std::string, pool::PoolOptions>
      pools;  // "python" is the default pool; only pools that a route uses have endpoints
  LogConfig log;
  PinPolicy pin = PinPolicy::loopback;
  std::string pin_token;
  bool server_timing = false;
  bool debug = false;
  std::string state_dir = "/var/lib/tandem";
  std::vector<std::string> trusted_proxies;  // networks ("10.0.0.0/8"), addresses, "unix" for any Unix socket
  std::vector<RouteConfig> routes;
};

}  // namespace tandem::config
