// Where a load goes: "http://127.0.0.1:8080/fib/20" or "unix:/run/tandem.sock", resolved once.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::loadgen {

struct Target {
  std::string url;     // as given
  std::string host;    // the Host field: "127.0.0.1:8080"; "localhost" of a Unix socket
  std::string path;    // with the query, "/fib/20"; empty: the URL named none
  std::string socket;  // path of a Unix socket; empty: TCP
  std::string name;    // of the machine: "127.0.0.1", "::1"
  std::string port = "80";
};

// Errors: another scheme, user-info, a port that is none.
Result<Target> parse_target(std::string_view url);

struct Address {
  boost::asio::generic::stream_protocol::endpoint endpoint;
  bool is_local = false;  // loopback or a Unix socket
};

// The first address of the name. Blocks while the system's resolver works.
Result<Address> resolve(const Target& target);

}  // namespace tandem::loadgen
