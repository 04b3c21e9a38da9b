#include "steering/webhook.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

namespace tandem::steering {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

// Listens; what connects is answered, or not.
class Hook {
 public:
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/hook"; }
  std::string take(const std::string& answer) {
    auto socket = acceptor_.accept();
    std::string text;
    asio::read_until(socket, asio::dynamic_buffer(text), "}");
    asio::write(socket, asio::buffer(answer));
    return text;
  }

 private:
  asio::io_context context_;
  tcp::acceptor acceptor_{context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
};

TEST(Webhook, PostsJson) {
  Hook hook;
  Webhook webhook;
  webhook.send(hook.url(), R"({"a":1})");
  const auto text = hook.take("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(text.substr(0, text.find("\r\n")), "POST /hook HTTP/1.1");
  EXPECT_NE(text.find("Content-Type: application/json"), std::string::npos);
  EXPECT_TRUE(text.ends_with(R"({"a":1})"));
}

TEST(Webhook, SilentHookHoldsNobodyUp) {
  Hook hook;  // takes connections, says nothing
  const auto began = std::chrono::steady_clock::now();
  const auto sent = post_json(hook.url(), "{}", 100ms);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().message, "it takes too long");
  Webhook webhook(100ms);
  for (int i = 0; i < 200; ++i) webhook.send(hook.url(), "{}");  // more than may wait
  webhook.stop();
  webhook.send(hook.url(), "{}");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
}

TEST(Webhook, SaysWhatWentWrong) {
  for (const auto* url : {"https://localhost/", "http://", "http:///x", "ftp://x", ""})
    EXPECT_FALSE(post_json(url, "{}", 100ms)) << url;
  std::string gone;
  gone = Hook().url();
  EXPECT_EQ(post_json(gone, "{}", 1000ms).error().message, "Connection refused");
}

}  // namespace
}  // namespace tandem::steering
