// A whole server with native endpoints, over real sockets, and reloads while clients are at it: what a thread sanitizer is
// to look at.
#include "app/server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "config/listen.hpp"
#include "handlers/catalog.hpp"

namespace tandem::app {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

config::RouteConfig route(const std::string& path, const std::string& native) {
  config::RouteConfig route;
  route.path = route.name = path;
  route.arms.resize(1);
  route.arms.front().endpoint.endpoint = native;
  return route;
}

config::Config native_config() {
  config::Config config;
  config.file = "test.json";
  config.listen = {config::parse_listen("127.0.0.1:0").value()};
  config.admin.listen = config::parse_listen("127.0.0.1:0").value();
  config.threads = 2;
  config.log.access = false;
  config.routes = {route("/plaintext", "plaintext"), route("/delay/{ms}", "delay"), route("/bytes/{n}", "bytes")};
  return config;
}

// One client on a keep-alive connection.
class Client {
 public:
  explicit Client(const std::string& url) : socket_(context_) {
    const auto colon = url.rfind(':');
    socket_.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(std::stoi(url.substr(colon + 1)))});
  }

  void send(const std::string& request_line) {
    asio::write(socket_, asio::buffer(request_line + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  }
  // The status; the body, which has a length, is in body().
  int read() {
    const auto head_bytes = asio::read_until(socket_, asio::dynamic_buffer(received_), "\r\n\r\n");
    const auto head = received_.substr(0, head_bytes);
    received_.erase(0, head_bytes);
    const auto at = head.find("Content-Length: ");
    const auto length = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    if (received_.size() < length)
      asio::read(socket_, asio::dynamic_buffer(received_), asio::transfer_exactly(length - received_.size()));
    body_ = received_.substr(0, length);
    received_.erase(0, length);
    return std::stoi(head.substr(9, 3));
  }
  int get(const std::string& target) {
    send("GET " + target);
    return read();
  }
  const std::string& body() const { return body_; }

 private:
  asio::io_context context_;
  tcp::socket socket_;
  std::string received_;
  std::string body_;
};

class ReloadTest : public testing::Test {
 protected:
  ReloadTest() {
    LogOptions options;
    options.file = "/dev/null";
    set_up_log(options);
  }
  ~ReloadTest() override {
    if (started_) server_.stop();
    set_up_log({});
  }

  void start() {
    const auto started = server_.start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    started_ = true;
  }
  std::string url() const { return server_.listening().front(); }
  std::string admin_url() const { return server_.listening().back(); }

  admin::ReloadReport reload() {
    std::promise<admin::ReloadReport> promise;
    server_.reload("test", [&promise](admin::ReloadReport report) { promise.set_value(std::move(report)); });
    return promise.get_future().get();
  }

  // What the next reload finds. Others may be asking for one while the test changes it.
  void want(const std::function<void(config::Config&)>& change) {
    const std::lock_guard lock(mutex_);
    change(wanted_);
  }

  std::mutex mutex_;
  config::Config wanted_ = native_config();
  std::vector<std::string> mistakes_;
  Server server_{native_config(), handlers::catalog(), {}, [this] {
                   const std::lock_guard lock(mutex_);
                   config::LoadResult result;
                   result.file = "test.json";
                   for (const auto& text : mistakes_) {
                     config::Problem problem;
                     problem.message = text;
                     result.problems.push_back(problem);
                   }
                   if (mistakes_.empty()) result.config = wanted_;
                   return result;
                 }};
  bool started_ = false;
};

TEST_F(ReloadTest, ServesTheNewRoutes) {
  start();
  Client client(url());
  EXPECT_EQ(client.get("/plaintext"), 200);
  wanted_.routes = {route("/other", "plaintext")};
  const auto report = reload();
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.generation, 2u);
  EXPECT_EQ(report.routes, 1u);
  EXPECT_TRUE(report.warnings.empty());
  EXPECT_EQ(client.get("/plaintext"), 404);
  EXPECT_EQ(client.get("/other"), 200);
}

TEST_F(ReloadTest, AMistakeChangesNothing) {
  start();
  mistakes_ = {"one", "two"};
  auto report = reload();
  EXPECT_EQ(report.code, "reload.bad_config");
  EXPECT_EQ(report.errors, (std::vector<std::string>{"test.json: one", "test.json: two"}));
  EXPECT_EQ(report.generation, 1u);
  mistakes_.clear();
  wanted_.routes.push_back(route("/nowhere", "no-such-endpoint"));
  report = reload();
  EXPECT_EQ(report.code, "reload.start_failed");
  EXPECT_NE(report.detail.find("no-such-endpoint"), std::string::npos);
  EXPECT_EQ(Client(url()).get("/plaintext"), 200);
}

TEST_F(ReloadTest, SaysWhatWaitsForARestart) {
  start();
  wanted_.threads = 1;
  const auto report = reload();
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.warnings, std::vector<std::string>{"\"threads\" has changed and needs a restart"});
}

TEST_F(ReloadTest, WhatBeganBeforeEndsWithTheTableItBeganWith) {
  start();
  Client slow(url());
  slow.send("GET /delay/300");
  for (int i = 0; i < 8; ++i) EXPECT_EQ(Client(url()).get("/plaintext"), 200);  // on every thread: it has been read
  wanted_.routes = {route("/plaintext", "plaintext")};
  EXPECT_TRUE(reload().ok());
  EXPECT_EQ(slow.read(), 200);
  EXPECT_EQ(slow.get("/delay/1"), 404);
}

TEST_F(ReloadTest, LosesNoRequestOfManyClients) {
  start();
  std::atomic<bool> done{false};
  std::atomic<int> lost{0};
  std::atomic<int> answered{0};
  std::vector<std::thread> clients;
  for (const char* target : {"/plaintext", "/delay/1", "/bytes/100000", "/plaintext"})
    clients.emplace_back([&, target = std::string(target)] {
      try {
        for (Client client(url()); !done; ++answered)
          if (client.get(target) != 200) ++lost;
      } catch (const boost::system::system_error&) {
        ++lost;
      }
    });
  std::thread admin([&] {
    for (Client client(admin_url()); !done;) {
      if (client.get("/api/v1/status") != 200 || client.get("/metrics") != 200) ++lost;
      client.send("POST /api/v1/reload");
      if (client.read() != 200) ++lost;
    }
  });
  for (int i = 0; i < 30; ++i) {
    want([i](config::Config& config) {
      config.server_timing = i % 2 == 0;
      config.log.access = i % 3 == 0;
      config.net.limits.header_bytes = 8192 + static_cast<std::uint64_t>(i);
    });
    EXPECT_TRUE(reload().ok());
  }
  done = true;
  for (auto& client : clients) client.join();
  admin.join();
  EXPECT_EQ(lost, 0);
  EXPECT_GT(answered, 0);
}

TEST_F(ReloadTest, StopsWhileReloadsAreAskedFor) {
  start();
  std::atomic<int> told{0};
  for (int i = 0; i < 20; ++i) server_.reload("test", [&told](const admin::ReloadReport&) { ++told; });
  server_.stop();
  started_ = false;
  EXPECT_EQ(told, 20);
}

}  // namespace
}  // namespace tandem::app
