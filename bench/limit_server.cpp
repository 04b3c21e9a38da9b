// The limit that the other servers are measured against: one thread, one epoll set, one read and one write per wake-up, and
// a constant answer for every "\r\n\r\n" received. It parses nothing, so no HTTP server that does its work can be cheaper.
//
//   limit_server [--port N] [--body TEXT] [--type MEDIA_TYPE]
//
// Port 0, the default, takes a free one; the first line on standard output says which. Ends with SIGTERM.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::size_t kCarry = kHeadEnd.size() - 1;
constexpr std::size_t kBatch = 64;  // answers that one write can carry

struct Options {
  std::uint16_t port = 0;
  std::string body = "Hello, World!";
  std::string type = "text/plain; charset=utf-8";
};

// What a connection has to remember between two wake-ups.
struct Connection {
  std::array<char, kCarry> carry{};  // last bytes received, where the end of a head may have begun
  std::size_t carried = 0;
  std::size_t owed = 0;  // bytes of answers that the socket did not take yet
};

[[noreturn]] void fail(const char* step) {
  std::fprintf(stderr, "limit_server: %s: %s\n", step, std::strerror(errno));
  std::exit(1);
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (i + 1 < argc && name == "--port") {
      options.port = static_cast<std::uint16_t>(std::atoi(argv[++i]));
    } else if (i + 1 < argc && name == "--body") {
      options.body = argv[++i];
    } else if (i + 1 < argc && name == "--type") {
      options.type = argv[++i];
    } else {
      std::fputs("usage: limit_server [--port N] [--body TEXT] [--type MEDIA_TYPE]\n", stderr);
      std::exit(2);
    }
  }
  return options;
}

// The same fields that a complete server sends; the date is that of the start.
std::string make_answer(const Options& options) {
  char date[64];
  const std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&now));
  return "HTTP/1.1 200 OK\r\nDate: " + std::string(date) + "\r\nContent-Type: " + options.type +
         "\r\nContent-Length: " + std::to_string(options.body.size()) + "\r\n\r\n" + options.body;
}

int listen_on(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket");
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) fail("bind");
  if (::listen(listener, 4096) < 0) fail("listen");
  socklen_t length = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  std::printf("listening on http://127.0.0.1:%u\n", static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
  return listener;
}

// Counts the heads that end in `input`, which is preceded in memory by room for the carried bytes.
std::size_t count_heads(Connection& connection, char* input, std::size_t length) {
  char* begin = input - connection.carried;
  std::memcpy(begin, connection.carry.data(), connection.carried);
  const char* const end = input + length;
  const char* from = begin;
  std::size_t heads = 0;
  while (const void* hit = ::memmem(from, static_cast<std::size_t>(end - from), kHeadEnd.data(), kHeadEnd.size())) {
    from = static_cast<const char*>(hit) + kHeadEnd.size();
    ++heads;
  }
  connection.carried = std::min<std::size_t>(kCarry, static_cast<std::size_t>(end - from));
  std::memcpy(connection.carry.data(), end - connection.carried, connection.carried);
  return heads;
}

class Server {
 public:
  explicit Server(const Options& options) : answer_(make_answer(options)), listener_(listen_on(options.port)) {
    for (std::size_t i = 0; i < kBatch; ++i) batch_ += answer_;
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) fail("epoll_create1");
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        if (events[i].data.fd == listener_) {
          accept_all();
        } else {
          serve(events[i].data.fd);
        }
      }
    }
  }

 private:
  void watch(int operation, int fd, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, operation, fd, &event) < 0) fail("epoll_ctl");
  }

  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const auto index = static_cast<std::size_t>(fd);
      if (index >= connections_.size()) connections_.resize(index + 1);
      connections_[index] = Connection{};
      watch(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  void serve(int fd) {
    Connection& connection = connections_[static_cast<std::size_t>(fd)];
    const bool was_blocked = connection.owed > 0;
    if (!was_blocked) {
      const auto received = ::recv(fd, input_.data() + kCarry, input_.size() - kCarry, 0);
      if (received == 0 || (received < 0 && errno != EAGAIN)) {
        ::close(fd);
        return;
      }
      if (received < 0) return;
      connection.owed = answer_.size() * count_heads(connection, input_.data() + kCarry, static_cast<std::size_t>(received));
    }
    if (!send_owed(fd, connection)) {
      ::close(fd);
      return;
    }
    // A client that does not read is not read from either.
    if (const bool is_blocked = connection.owed > 0; is_blocked != was_blocked) {
      watch(EPOLL_CTL_MOD, fd, is_blocked ? EPOLLOUT : EPOLLIN);
    }
  }

  // False when the connection broke.
  bool send_owed(int fd, Connection& connection) const {
    while (connection.owed > 0) {
      const std::size_t into_answer = (answer_.size() - connection.owed % answer_.size()) % answer_.size();
      const std::size_t length = std::min(connection.owed, batch_.size() - into_answer);
      const auto sent = ::send(fd, batch_.data() + into_answer, length, MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN;
      connection.owed -= static_cast<std::size_t>(sent);
    }
    return true;
  }

  const std::string answer_;
  const int listener_;
  std::string batch_;
  int epoll_ = -1;
  std::vector<Connection> connections_;  // by descriptor
  std::array<char, 64 * 1024> input_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto server = std::make_unique<Server>(parse_options(argc, argv));
  server->run();
}
