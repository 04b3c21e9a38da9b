#include "net/listener.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>

#include "base/log.hpp"

namespace tandem::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using local = asio::local::stream_protocol;
using boost::system::error_code;

constexpr int kBacklog = 4096;  // the kernel lowers it to net.core.somaxconn

std::string url_of(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  return "http://" + (address.is_v6() ? "[" + address.to_string() + "]" : address.to_string()) + ":" +
         std::to_string(endpoint.port());
}

// One listening TCP socket; `shared` lets further sockets bind to the same port.
Result<int> open_tcp(tcp::endpoint& endpoint, bool shared) {
  const auto family = endpoint.address().is_v6() ? AF_INET6 : AF_INET;
  const int descriptor = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  const auto fail = [&](const char* what) {
    const int code = errno;
    if (descriptor >= 0) ::close(descriptor);
    std::string hint;
    if (code == EADDRINUSE) hint = " (another program listens there; `ss -ltnp` shows which)";
    if (code == EACCES) hint = " (ports below 1024 need root or CAP_NET_BIND_SERVICE)";
    if (code == EADDRNOTAVAIL) hint = " (no network interface of this machine has that address)";
    return Error("listen.failed", "can't listen on " + url_of(endpoint) + ": " + what + ": " + std::strerror(code) + hint);
  };
  if (descriptor < 0) return fail("socket");
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (family == AF_INET6) ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  if (shared && ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) return fail("SO_REUSEPORT");
  if (::bind(descriptor, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) return fail("bind");
  if (::listen(descriptor, kBacklog) != 0) return fail("listen");
  socklen_t length = static_cast<socklen_t>(endpoint.capacity());
  ::getsockname(descriptor, endpoint.data(), &length);
  return descriptor;
}

Result<Bound> bind_tcp(const ListenOptions& options, unsigned count) {
  error_code error;
  const auto address = asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, error);
  if (error)
    return Error("listen.failed", "can't listen on " + options.text + ": \"" + options.host + "\" is no IP address");
  tcp::endpoint endpoint(address, options.port);
  if (options.port != 0) {
    // Shared ports would let a second server bind beside the first without an error: find that out with a socket that
    // doesn't share.
    auto probe = open_tcp(endpoint, false);
    if (!probe) return probe.error();
    ::close(*probe);
  }
  Bound bound;
  for (unsigned i = 0; i < count; ++i) {
    auto descriptor = open_tcp(endpoint, true);
    if (!descriptor) {
      for (int opened : bound.descriptors) ::close(opened);
      return descriptor.error();
    }
    bound.descriptors.push_back(*descriptor);
  }
  bound.url = url_of(endpoint);
  return bound;
}

Result<Bound> bind_unix(const ListenOptions& options, unsigned count) {
  const auto fail = [&](const std::string& why) {
    return Error("listen.failed", "can't listen on unix:" + options.path + ": " + why);
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (options.path.size() >= sizeof(address.sun_path)) return fail("the path is longer than 107 bytes");
  std::memcpy(address.sun_path, options.path.c_str(), options.path.size() + 1);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return fail(std::strerror(errno));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(descriptor, generic, sizeof(address)) == 0) {
    ::close(descriptor);
    return fail("another program listens there");
  }
  if (errno == ECONNREFUSED) ::unlink(options.path.c_str());  // left behind by a server that is gone
  if (::bind(descriptor, generic, sizeof(address)) != 0 || ::listen(descriptor, kBacklog) != 0) {
    const std::string why = std::strerror(errno);
    ::close(descriptor);
    return fail(why);
  }
  Bound bound;
  bound.descriptors.push_back(descriptor);
  for (unsigned i = 1; i < count; ++i) bound.descriptors.push_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  bound.url = "unix:" + options.path;
  bound.path = options.path;
  return bound;
}

service::Peer peer_of(const tcp::socket& socket) {
  service::Peer peer;
  error_code ignored;
  const auto endpoint = socket.remote_endpoint(ignored);
  peer.address = endpoint.address().to_string();
  peer.port = endpoint.port();
  peer.is_loopback = endpoint.address().is_loopback();
  const auto local_endpoint = socket.local_endpoint(ignored);
  peer.local_address = local_endpoint.address().to_string();
  peer.local_port = local_endpoint.port();
  return peer;
}

service::Peer peer_of(const local::socket&) {
  service::Peer peer;
  peer.address = "unix";
  peer.is_loopback = true;
  return peer;
}

void prepare(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
}
void prepare(local::socket&) {}

}  // namespace

Result<Bound> bind_listener(const ListenOptions& options, unsigned count) {
  return options.kind == ListenOptions::Kind::tcp ? bind_tcp(options, count) : bind_unix(options, count);
}

struct Listener::DoorBase {
  virtual ~DoorBase() = default;
  virtual void shut() = 0;
};

// One listening socket: accepts until shut.
template <class Protocol>
struct Listener::Door final : Listener::DoorBase {
  Door(Listener& listener, const Protocol& protocol, int descriptor)
      : owner(listener), acceptor(listener.loop_.context(), protocol, descriptor), pause(listener.loop_.context()) {
    error_code ignored;
    acceptor.non_blocking(true, ignored);
    accept();
  }

  void accept() {
    acceptor.async_accept([this](error_code error, typename Protocol::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor.is_open()) return;
      if (!error) {
        owner.admit(std::move(socket));
        take_waiting();
        accept();
        return;
      }
      if (error == asio::error::connection_aborted) return accept();
      // Out of descriptors or memory: trying again at once would spin.
      log().error("accepting failed: {}; trying again in 100 ms", error.message());
      pause.expires_after(Milliseconds(100));
      pause.async_wait([this](error_code stopped) {
        if (!stopped) accept();
      });
    });
  }

  void take_waiting() {
    while (true) {
      error_code error;
      typename Protocol::socket socket(owner.loop_.context());
      acceptor.accept(socket, error);
      if (error) return;
      owner.admit(std::move(socket));
    }
  }

  void shut() override {
    take_waiting();  // the kernel has accepted them: their clients count on an answer
    error_code ignored;
    pause.cancel();
    acceptor.close(ignored);
  }

  Listener& owner;
  typename Protocol::acceptor acceptor;
  asio::steady_timer pause;
};

Listener::Listener(Loop& loop, const NetOptions& options, const service::Handler& root, const service::Observer* observer,
                   ListenerTotals& totals)
    : loop_(loop), context_(loop, options, root), totals_(totals) {
  context_.observer = observer;
  list_.previous = list_.next = &list_;
}

Listener::~Listener() = default;

void Listener::adopt(const ListenOptions& options, int descriptor) {
  if (options.kind == ListenOptions::Kind::unix_socket) {
    doors_.push_back(std::make_unique<Door<local>>(*this, local(), descriptor));
    return;
  }
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  doors_.push_back(std::make_unique<Door<tcp>>(*this, address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), descriptor));
}

void Listener::enlist(ConnectionBase& connection) {
  connection.previous = list_.previous;
  connection.next = &list_;
  list_.previous->next = &connection;
  list_.previous = &connection;
}

void Listener::delist(ConnectionBase& connection) {
  connection.previous->next = connection.next;
  connection.next->previous = connection.previous;
}

template <class Socket>
void Listener::admit(Socket socket) {
  error_code error;
  socket.non_blocking(true, error);
  if (error) return;
  prepare(socket);
  if (totals_.connections.fetch_add(1, std::memory_order_relaxed) >= std::int64_t{context_.options.limits.connections}) {
    totals_.connections.fetch_sub(1, std::memory_order_relaxed);
    totals_.refused.fetch_add(1, std::memory_order_relaxed);
    // Said once, as far as the socket takes it; reading the request first would cost what the limit saves.
    const auto body = http::problem_response(
        http::Problem(503, "overload.connections", "this server has as many connections as it may"), {});
    std::string answer =
        "HTTP/1.1 503 Service Unavailable\r\nServer: tandem\r\nConnection: close\r\nRetry-After: 1\r\nContent-Type: "
        "application/problem+json\r\nContent-Length: " +
        std::to_string(body.body_text().size()) + "\r\n\r\n" + std::string(body.body_text());
    socket.write_some(asio::buffer(answer), error);
    socket.shutdown(Socket::shutdown_send, error);
    char sent_by_client[4096];  // unread bytes would turn the close into a reset that takes the answer with it
    socket.read_some(asio::buffer(sent_by_client), error);
    return;
  }
  totals_.accepted.fetch_add(1, std::memory_order_relaxed);
  auto peer = peer_of(socket);
  connections_.spawn(serve(std::move(socket), std::move(peer)));
}

template <class Socket>
Task<void> Listener::serve(Socket socket, service::Peer peer) {
  Connection<Socket> connection(socket, context_, std::move(peer));
  enlist(connection);
  co_await connection.run();  // NOLINT(bugprone-use-after-move): the check takes the frame's copy of `peer` for a use
  delist(connection);
  totals_.connections.fetch_sub(1, std::memory_order_relaxed);
}

void Listener::drain(std::function<void()> done) {
  context_.draining = true;
  for (auto& door : doors_) door->shut();
  for (auto* connection = list_.next; connection != &list_; connection = connection->next) connection->begin_drain();
  if (connections_.size() == 0) return done();
  connections_.on_empty(std::move(done));
}

void Listener::begin_change(const void* table) {
  for (auto* connection = list_.next; connection != &list_; connection = connection->next) connection->begin_change(table);
}

void Listener::abort() {
  for (auto* connection = list_.next; connection != &list_;) {
    auto* const next = connection->next;
    connection->abort();
    connection = next;
  }
}

}  // namespace tandem::net
