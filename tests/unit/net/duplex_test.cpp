// A body that is read while its answer is being written, over an in-memory stream and at every cut.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "service/sleep.hpp"
#include "support/http_exchange.hpp"

namespace tandem {
namespace {

// Reads the body in a task of its own, as the pool does, and echoes what it has read.
class Echo final : public http::ResponseStream {
 public:
  explicit Echo(http::RequestBody& body) : body_(body) { task_.spawn(pump()); }
  ~Echo() override {
    if (task_.size() > 0) body_.abandon();
    EXPECT_EQ(task_.size(), 0u) << "abandon() ends the read";
  }
  Task<Result<std::string_view>> read() override {
    Wait arrival{*this};
    co_await arrival;
    if (!error_.empty()) co_return Error(error_);
    handed_out_ = std::exchange(incoming_, {});
    co_return std::string_view(handed_out_);
  }

 private:
  struct Wait {
    Echo& echo;
    bool await_ready() const noexcept { return !echo.incoming_.empty() || echo.ended_; }
    void await_suspend(std::coroutine_handle<> reader) noexcept { echo.reader_ = reader; }
    void await_resume() const noexcept {}
  };

  Task<void> pump() {
    while (!ended_) {
      const auto piece = co_await body_.read();
      if (!piece) error_ = piece.error().message;
      if (piece) incoming_ += *piece;
      ended_ = !piece || piece->empty();
      // Not from here: the reader may destroy this task.
      if (reader_ && !std::exchange(posted_, true)) {
        boost::asio::post(loop_->context(), [this] {
          posted_ = false;
          if (reader_) std::exchange(reader_, {}).resume();
        });
      }
    }
  }

 public:
  Loop* loop_ = nullptr;

 private:
  http::RequestBody& body_;
  std::string incoming_, handed_out_, error_;
  std::coroutine_handle<> reader_;
  bool ended_ = false;
  bool posted_ = false;
  TaskGroup task_;
};

// /echo streams the body back; /hints sends two interim responses before its answer, as far as the client takes them; /early
// answers when the first piece is there, with a reader that goes on until it is told not to; anything else answers with the
// whole body.
class DuplexHandler final : public service::Handler {
 public:
  service::Outcome handle(http::Request& request, service::Call& call) const override {
    if (request.path == "/echo") {
      auto echo = std::make_unique<Echo>(*request.body);
      echo->loop_ = &call.loop;
      return http::Response(200, http::kOctetStream, std::move(echo));
    }
    if (request.path == "/hints") return hint(call);
    if (request.path == "/early") return early(request, call);
    return whole(request);
  }

 private:
  static Task<http::Response> early(http::Request& request, service::Call& call) {
    Echo reader(*request.body);
    reader.loop_ = &call.loop;
    const auto first = co_await reader.read();
    co_return http::text(first ? "enough" : "failed");
  }
  static Task<http::Response> hint(service::Call& call) {
    if (call.interim) call.interim->send(103, "Link: </style.css>\r\nContent-Length: 7\r\n");
    if (call.interim) call.interim->send(102, "");
    auto pause = service::sleep_for(call, Milliseconds(0));
    co_await pause;
    co_return http::text("answer");
  }
  static Task<http::Response> whole(http::Request& request) {
    const auto body = co_await request.body->read_all();
    co_return http::text(body ? std::string(*body) : "failed");
  }
};

struct Client {
  explicit Client(std::size_t max_write = SIZE_MAX) : stream(loop.context(), max_write), connection(stream, context, peer) {
    group.spawn(connection.run());
    settle();
  }
  ~Client() {
    if (group.size() > 0) connection.abort();
    settle();
    EXPECT_EQ(group.size(), 0u);
  }
  void settle() { EXPECT_TRUE(support::settle(loop)); }
  void send(std::string_view bytes) {
    stream.send(bytes);
    settle();
  }
  support::Answer take() {
    std::string_view text(stream.received());
    text.remove_prefix(taken);
    std::string error;
    auto answer = support::take_answer(text, false, error);
    EXPECT_EQ(error, "");
    taken = stream.received().size() - text.size();
    return answer;
  }

  Loop loop{0};
  net::NetOptions options;
  DuplexHandler handler;
  net::ConnectionContext context{loop, options, handler};
  service::Peer peer;
  support::MemoryStream stream;
  net::Connection<support::MemoryStream> connection;
  TaskGroup group;
  std::size_t taken = 0;
};

constexpr std::string_view kChunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kNext = "POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nnext";

TEST(Duplex, AnEchoLeavesWhileTheBodyArrives) {
  Client client;
  client.send(kChunked);
  EXPECT_TRUE(client.stream.received().starts_with("HTTP/1.1 200 OK")) << "the head does not wait for the body";
  client.send("3\r\none\r\n");
  EXPECT_TRUE(client.stream.received().ends_with("\r\n\r\n3\r\none\r\n"));
  client.send("3\r\ntwo\r\n");
  EXPECT_TRUE(client.stream.received().ends_with("3\r\none\r\n3\r\ntwo\r\n"));
  client.send("0\r\n\r\n");
  EXPECT_EQ(client.take().body, "onetwo");
  client.send(kNext);
  EXPECT_EQ(client.take().body, "next");
}

TEST(Duplex, EveryCutGivesTheSame) {
  const auto bytes = std::string(kChunked) + "3\r\none\r\n5\r\n,two,\r\n0\r\n\r\n" + std::string(kNext);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    SCOPED_TRACE(cut);
    Client client(cut % 2 == 0 ? SIZE_MAX : 7);
    client.send(bytes.substr(0, cut));
    client.send(bytes.substr(cut));
    EXPECT_EQ(client.take().body, "one,two,");
    EXPECT_EQ(client.take().body, "next");
    EXPECT_FALSE(client.stream.received_end());
  }
}

TEST(Duplex, AClientThatGoesEndsBothDirections) {
  const auto bytes = std::string(kChunked) + "3\r\none\r\n5\r\n,two,\r\n0\r\n\r\n";
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    SCOPED_TRACE(cut);
    Client client;
    client.send(bytes.substr(0, cut));
    client.stream.send_end();
    client.settle();
    EXPECT_EQ(client.group.size(), 0u);
    EXPECT_TRUE(client.stream.closed());
    EXPECT_FALSE(client.stream.received().ends_with("\r\n0\r\n\r\n")) << "the answer is seen to be incomplete";
  }
}

TEST(Duplex, AbortEndsBothDirections) {
  Client client;
  client.send(kChunked);
  client.send("3\r\none\r\n");
  client.connection.abort();
  client.settle();
  EXPECT_EQ(client.group.size(), 0u);
}

TEST(Duplex, AnEarlyCompleteAnswerDoesNotWaitForTheBody) {
  Client client;
  client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nfirst");
  const auto answer = client.take();
  EXPECT_EQ(answer.body, "enough");
  ASSERT_NE(answer.header("Connection"), nullptr) << "the rest of the body can't be skipped";
  EXPECT_TRUE(client.stream.received_end());
  client.send(std::string(995, 'x'));
  client.stream.send_end();
  client.settle();
  EXPECT_EQ(client.group.size(), 0u);
}

TEST(Duplex, AnEarlyAnswerToABodyThatIsHereKeepsTheConnection) {
  Client client;
  client.send("POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send("5\r\nfirst\r\n4\r\nrest\r\n0\r\n\r\n" + std::string(kNext));
  EXPECT_EQ(client.take().body, "enough");
  EXPECT_EQ(client.take().body, "next");
}

TEST(Duplex, ContinueIsSentBesideTheAnswerOnceAtMost) {
  Client client;
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_TRUE(client.stream.received().starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
  client.send("body");
  EXPECT_EQ(client.take().status, 100);
  EXPECT_EQ(client.take().body, "body");
  client.send(kNext);
  EXPECT_EQ(client.take().body, "next");
}

TEST(Duplex, InterimResponsesComeBeforeTheAnswer) {
  for (const std::size_t max_write : {std::size_t{SIZE_MAX}, std::size_t{7}}) {
    Client client(max_write);
    client.send("GET /hints HTTP/1.1\r\nHost: a\r\n\r\nGET /hints HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 2; ++i) {
      const auto hints = client.take();
      EXPECT_EQ(hints.status, 103);
      ASSERT_NE(hints.header("Link"), nullptr);
      EXPECT_EQ(*hints.header("Link"), "</style.css>");
      EXPECT_EQ(hints.headers.size(), 1u) << "no framing";
      EXPECT_EQ(client.take().status, 102);
      EXPECT_EQ(client.take().body, "answer");
    }
    EXPECT_EQ(client.taken, client.stream.received().size());
  }
}

TEST(Duplex, AnOldClientGetsNoInterimResponse) {
  Client client;
  client.send("GET /hints HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.take().body, "answer");
}

}  // namespace
}  // namespace tandem
