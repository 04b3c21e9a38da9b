// Connections over the streams that listeners accept, compiled once.
#include "net/connection.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace tandem::net {

void WriteDeadline::expired() { connection->write_timed_out(); }

void InterimSender::send(int status, std::string_view lines) {
  std::string text;
  append_interim(text, status, lines);
  connection->send_interim(text);
}

template class Connection<boost::asio::ip::tcp::socket>;
template class Connection<boost::asio::local::stream_protocol::socket>;

}  // namespace tandem::net
