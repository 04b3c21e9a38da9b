#include "admin/event_client.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "support/peer_server.hpp"

namespace tandem::admin {
namespace {

namespace asio = boost::asio;
using Events = std::vector<std::pair<std::string, std::string>>;

// In pieces of that many bytes.
Events read_events(std::string_view stream, std::size_t piece) {
  Events events;
  EventReader reader([&events](std::string_view name, std::string_view data) { events.emplace_back(name, data); });
  for (; !stream.empty(); stream.remove_prefix(std::min(piece, stream.size()))) reader.read(stream.substr(0, piece));
  return events;
}

TEST(EventReader, ReadsEventsHoweverTheyAreCut) {
  constexpr std::string_view kStream =
      "event: status\ndata: {\"a\": 1}\n\n"
      ": a comment\nid: 7\nretry: 10\n"
      "event:routes\r\ndata:one\r\ndata: two\r\n\r\n"
      "event: without data\n\n"
      "data\n\n"
      "data: nameless\r\r"
      "data: not finished\n";
  const Events expected{{"status", "{\"a\": 1}"}, {"routes", "one\ntwo"}, {"message", ""}, {"message", "nameless"}};
  for (std::size_t piece = 1; piece <= kStream.size(); ++piece) EXPECT_EQ(read_events(kStream, piece), expected) << piece;
}

std::string chunk(std::string_view text) {
  char size[16];
  std::snprintf(size, sizeof(size), "%zx", text.size());
  return std::string(size) + "\r\n" + std::string(text) + "\r\n";
}

constexpr const char* kHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

// A client of one peer, run until the test has seen enough.
class EventClientTest : public testing::Test {
 protected:
  void watch(const std::string& url, std::size_t events, std::size_t losses) {
    AdminClientOptions options;
    options.url = url;
    options.token = "secret";
    options.answer_timeout = Milliseconds(50);
    const auto is_enough = [this, events, losses] { return events_.size() >= events && losses_.size() >= losses; };
    EventClient client(
        context_, options,
        [&](std::string_view name, std::string_view data) {
          events_.emplace_back(name, data);
          if (is_enough()) context_.stop();
        },
        [&](const Error& error) {
          losses_.push_back(error);
          if (is_enough()) context_.stop();
        });
    client.start();
    EXPECT_TRUE(events_.empty() && losses_.empty()) << "start() calls nobody";
    context_.run();
  }

  asio::io_context context_;
  Events events_;
  std::vector<Error> losses_;
};

TEST_F(EventClientTest, AsksWithTheTokenAndTellsEvents) {
  std::string head;
  test::PeerServer peer([&head](const std::string& request) {
    head = request;
    return kHead + chunk("event: a\ndata: 1\n") + chunk("\nevent: b\ndata: 2\n\n");
  });
  peer.start();
  watch(peer.url(), 2, 0);
  EXPECT_EQ(events_, (Events{{"a", "1"}, {"b", "2"}}));
  EXPECT_TRUE(head.starts_with("GET /api/v1/events HTTP/1.1\r\n")) << head;
  EXPECT_NE(head.find("Authorization: Bearer secret\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("Host: " + peer.url().substr(7) + "\r\n"), std::string::npos) << head;
}

TEST_F(EventClientTest, TriesAgainWhenTheStreamEnds) {
  unsigned asked = 0;
  test::PeerServer peer([&asked](const std::string&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\nevent: a\ndata: ") + (++asked == 1 ? "one" : "two") +
           "\n\n\n";
  });
  peer.start();
  watch(peer.url(), 2, 1);
  EXPECT_EQ(events_, (Events{{"a", "one"}, {"a", "two"}}));
  EXPECT_EQ(losses_.at(0).code, "command.no_server");
}

TEST_F(EventClientTest, SaysWhyItWasRefused) {
  test::PeerServer peer([](const std::string&) {
    return test::plain_answer(R"({"code":"admin.unauthorized","detail":"send the token"})", 401);
  });
  peer.start();
  watch(peer.url(), 0, 1);
  EXPECT_EQ(losses_.at(0).code, "command.refused");
  EXPECT_EQ(losses_.at(0).message,
            peer.url() + "/api/v1/events was answered 401 Unauthorized (admin.unauthorized): send the token");
}

TEST_F(EventClientTest, GivesUpOnOneThatDoesNotAnswer) {
  test::PeerServer peer([](const std::string&) { return std::nullopt; });
  peer.start();
  watch(peer.url(), 0, 1);
  EXPECT_EQ(losses_.at(0).message, "no server answers at " + peer.url() + " (it takes too long)");
}

TEST_F(EventClientTest, SaysThatTheOtherSideIsNoHttpServer) {
  test::PeerServer peer([](const std::string&) { return "SSH-2.0-OpenSSH_9.2\r\n\r\n"; });
  peer.start();
  watch(peer.url(), 0, 1);
  EXPECT_EQ(losses_.at(0).code, "command.bad_answer");
}

TEST_F(EventClientTest, SaysThatNobodyIsThereAndWhatIsNoUrl) {
  watch("unix:/nonexistent/admin", 0, 1);
  EXPECT_EQ(losses_.at(0).message, "no server answers at unix:/nonexistent/admin (No such file or directory)");
  context_.restart();
  losses_.clear();
  watch("ftp://x", 0, 1);
  EXPECT_EQ(losses_.at(0).code, "command.bad_url");
}

TEST_F(EventClientTest, CallsNobodyOnceItIsGone) {
  test::PeerServer peer([](const std::string&) { return kHead + chunk("event: a\ndata: 1\n\n"); });
  peer.start();
  watch(peer.url(), 1, 0);
  context_.restart();
  context_.run();  // what was under way ends
  EXPECT_EQ(events_.size(), 1U);
  EXPECT_TRUE(losses_.empty());
}

}  // namespace
}  // namespace tandem::admin
