#include "admin/admin_client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <thread>

namespace tandem::admin {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Takes one connection, keeps the request's head, sends bytes and closes.
template <class Protocol>
class CannedServer {
 public:
  CannedServer(typename Protocol::endpoint endpoint, std::string answer)
      : acceptor_(context_, endpoint), thread_([this, answer = std::move(answer)] {
          typename Protocol::socket socket(context_);
          boost::system::error_code ignored;
          acceptor_.accept(socket, ignored);
          asio::read_until(socket, asio::dynamic_buffer(request_), "\r\n\r\n", ignored);
          asio::write(socket, asio::buffer(answer), ignored);
        }) {}
  ~CannedServer() {
    if (thread_.joinable()) thread_.join();
  }

  auto endpoint() { return acceptor_.local_endpoint(); }
  std::string request() {
    thread_.join();
    return request_;
  }

 private:
  asio::io_context context_;
  typename Protocol::acceptor acceptor_;
  std::string request_;
  std::thread thread_;
};

tcp::endpoint any_port() { return {asio::ip::address_v4::loopback(), 0}; }

AdminClientOptions at(const std::string& url) {
  AdminClientOptions options;
  options.url = url;
  return options;
}

std::string url_of(CannedServer<tcp>& server) { return "http://127.0.0.1:" + std::to_string(server.endpoint().port()); }

TEST(AdminGet, ReturnsTheBody) {
  CannedServer<tcp> server(any_port(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  const auto url = url_of(server);
  auto options = at(url + "/");
  options.token = "secret";
  const auto answer = admin_get(options, "/api/v1/status");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(*answer, "hello");
  const auto request = server.request();
  EXPECT_TRUE(request.starts_with("GET /api/v1/status HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("Host: " + url.substr(7) + "\r\n"), std::string::npos) << request;
  EXPECT_NE(request.find("Authorization: Bearer secret\r\n"), std::string::npos) << request;
}

TEST(AdminGet, SpeaksToAUnixSocket) {
  std::string folder = (std::filesystem::temp_directory_path() / "tandem-admin-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const auto path = folder + "/admin.sock";
  {
    CannedServer<asio::local::stream_protocol> server(asio::local::stream_protocol::endpoint(path),
                                                      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    const auto answer = admin_get(at("unix:" + path), "/healthz");
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(*answer, "ok");
    EXPECT_NE(server.request().find("Host: localhost\r\n"), std::string::npos);
  }
  const auto gone = admin_get(at("unix:" + path), "/healthz");
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().message, "no server answers at unix:" + path + " (Connection refused)");
  std::filesystem::remove_all(folder);
  EXPECT_EQ(admin_get(at("unix:" + path), "/").error().message,
            "no server answers at unix:" + path + " (No such file or directory)");
}

TEST(AdminGet, SaysThatNobodyAnswers) {
  asio::io_context context;
  tcp::acceptor closed(context, any_port());
  const auto port = closed.local_endpoint().port();
  closed.close();
  const auto url = "http://127.0.0.1:" + std::to_string(port);
  const auto answer = admin_get(at(url), "/");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "command.no_server");
  EXPECT_EQ(answer.error().message, "no server answers at " + url + " (Connection refused)");
}

TEST(AdminGet, GivesUpOnASilentServer) {
  asio::io_context context;
  tcp::acceptor silent(context, any_port());  // its backlog takes the connection
  auto options = at("127.0.0.1:" + std::to_string(silent.local_endpoint().port()));
  options.timeout = Milliseconds(50);
  const auto answer = admin_get(options, "/");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().message, "no server answers at " + options.url + " (it takes too long)");
}

TEST(AdminGet, PassesOnWhyItWasRefused) {
  CannedServer<tcp> server(any_port(),
                           "HTTP/1.1 401 Unauthorized\r\nContent-Length: 55\r\n\r\n"
                           R"({"code":"admin.unauthorized","detail":"send the token"})");
  const auto url = url_of(server);
  const auto answer = admin_get(at(url), "/metrics");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "command.refused");
  EXPECT_EQ(answer.error().message, url + "/metrics was answered 401 Unauthorized (admin.unauthorized): send the token");
}

TEST(AdminGet, SaysThatTheOtherSideIsNoHttpServer) {
  CannedServer<tcp> server(any_port(), "SSH-2.0-OpenSSH_9.2\r\n\r\n");
  const auto answer = admin_get(at(url_of(server)), "/");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "command.bad_answer");
}

TEST(AdminGet, RefusesOtherUrls) {
  for (const char* url : {"", "http://", "https://localhost:9090", "http://a/b", "http://a:b",
                          "http://a:", "unix:", "http://u@h:1", "http://h:123456", "ftp://x"}) {
    const auto answer = admin_get(at(url), "/");
    ASSERT_FALSE(answer.ok()) << url;
    EXPECT_EQ(answer.error().code, "command.bad_url") << url << " " << answer.error().message;
  }
}

}  // namespace
}  // namespace tandem::admin
