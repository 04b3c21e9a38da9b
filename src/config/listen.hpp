// Addresses to accept on, as the config file and the command line write them.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "net/net_options.hpp"

namespace tandem::config {

// "127.0.0.1:8080", "localhost:8080", "[::]:8080" or "unix:/run/tandem.sock". Names other than localhost are not looked up.
Result<net::ListenOptions> parse_listen(std::string_view text);

// A network ("10.0.0.0/8", "fd00::/8"), an address, or "unix" for whoever comes through a Unix socket.
Result<void> check_network(std::string_view text);

// Can only this machine reach it?
bool is_local(const net::ListenOptions& listen);

// Would the second of the two find its address taken? Port 0 never does.
bool is_same_address(const net::ListenOptions& a, const net::ListenOptions& b);

}  // namespace tandem::config
