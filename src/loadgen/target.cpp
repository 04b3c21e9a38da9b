#include "loadgen/target.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace tandem::loadgen {

namespace asio = boost::asio;

Result<Target> parse_target(std::string_view url) {
  const Error malformed(
      "command.bad_url",
      "\"" + std::string(url) + "\" is no URL that can be loaded: write http://HOST[:PORT][/PATH] or unix:/path");
  Target target;
  target.url = url;
  if (url.starts_with("unix:")) {
    target.socket = url.substr(url.starts_with("unix://") ? 7 : 5);
    target.host = "localhost";
    if (target.socket.empty() || target.socket.size() >= sizeof(sockaddr_un::sun_path)) return malformed;
    return target;
  }
  if (!url.starts_with("http://")) return malformed;
  auto rest = url.substr(7);
  rest = rest.substr(0, rest.find('#'));
  const auto slash = rest.find_first_of("/?");
  if (slash != std::string_view::npos) {
    target.path = rest.substr(slash);
    if (target.path.front() == '?') target.path.insert(0, "/");
    rest = rest.substr(0, slash);
  }
  target.host = rest;
  const auto bracket = rest.rfind(']');
  const auto colon = rest.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    target.port = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  target.name = rest;
  const bool is_port = !target.port.empty() && target.port.size() <= 5 &&
                       target.port.find_first_not_of("0123456789") == std::string::npos && std::stoi(target.port) <= 65535;
  if (target.name.empty() || !is_port || target.name.find_first_of("@ ") != std::string::npos) return malformed;
  return target;
}

Result<Address> resolve(const Target& target) {
  if (!target.socket.empty()) return Address{asio::local::stream_protocol::endpoint(target.socket), true};
  asio::io_context context;
  asio::ip::tcp::resolver resolver(context);
  boost::system::error_code error;
  const auto found = resolver.resolve(target.name, target.port, error);
  if (error || found.empty())
    return Error("command.bad_url", "\"" + target.name + "\" has no address: " + (error ? error.message() : "none found"));
  const auto endpoint = found.begin()->endpoint();
  const auto address = endpoint.address();
  const bool is_mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  const bool is_local =
      is_mapped ? asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback() : address.is_loopback();
  return Address{endpoint, is_local};
}

}  // namespace tandem::loadgen
