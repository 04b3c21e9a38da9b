// WebSockets whose endpoint is at a worker, between a socket and a worker of the test's own.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "unit/pool/pool_harness.hpp"

namespace tandem::test {
namespace {

using frames::Type;

// The client's end, played by the test on the loop.
class FakeSocket final : public http::WebSocket {
 public:
  Task<std::optional<http::MessagePart>> read() override {
    Wait arrival{*this, reader_, &FakeSocket::has_arrivals};
    co_await arrival;
    if (arrivals_.empty()) co_return std::nullopt;
    current_ = std::move(arrivals_.front());
    arrivals_.pop_front();
    http::MessagePart part;
    part.bytes = current_.data;
    part.text = current_.text;
    co_return part;
  }
  Task<bool> write(http::MessagePart part) override {
    Wait room{*this, writer_, &FakeSocket::takes};
    co_await room;
    if (is_closed_) co_return false;
    received += part.bytes;
    received_texts += part.text && part.last;
    co_return true;
  }
  Task<void> close(std::uint16_t code, std::string_view text) override {
    closed_by_endpoint = code;
    closed_text = text;
    end(code);
    co_return;
  }
  const http::CloseReason& closed() const override { return end_; }
  std::string_view subprotocol() const override { return {}; }

  // --- on the loop
  void send(std::string data, bool text) {
    http::Message message;
    message.data = std::move(data);
    message.text = text;
    arrivals_.push_back(std::move(message));
    resume(reader_);
  }
  void end(std::uint16_t code) {
    if (std::exchange(is_closed_, true)) return;
    end_.code = code;
    resume(writer_);
    resume(reader_);
  }
  std::size_t unread() const { return arrivals_.size(); }
  void take_from_now_on(bool yes) {
    takes_ = yes;
    if (yes) resume(writer_);
  }

  std::string received;
  int received_texts = 0;
  std::uint16_t closed_by_endpoint = 0;
  std::string closed_text;

 private:
  struct Wait {
    FakeSocket& socket;
    std::coroutine_handle<>& place;
    bool (FakeSocket::*is_over)() const;
    bool await_ready() const noexcept { return (socket.*is_over)(); }
    void await_suspend(std::coroutine_handle<> awaiter) noexcept { place = awaiter; }
    void await_resume() const noexcept {}
  };
  bool has_arrivals() const { return !arrivals_.empty() || is_closed_; }
  bool takes() const { return takes_ || is_closed_; }
  static void resume(std::coroutine_handle<>& place) {
    if (place) std::exchange(place, {}).resume();
  }

  std::deque<http::Message> arrivals_;
  http::Message current_;
  http::CloseReason end_;
  std::coroutine_handle<> reader_, writer_;
  bool is_closed_ = false;
  bool takes_ = true;
};

class PoolSocketTest : public PoolTest {
 protected:
  PoolSocketTest() {
    options_.endpoints = {pool::EndpointOptions{"chat:app"}};
    options_.endpoints[0].kind = "asgi";
    options_.endpoints[0].stream = true;
    workers_.behaviour.ready = R"({"pid":1,"python":"fake","endpoints":[{"executor":"async","interface":"asgi"}]})";
    workers_.behaviour.on_request = [](FakeWorker& worker, const ReceivedRequest& request) {
      EXPECT_EQ(request.head.flags, frames::kWebSocket);
      EXPECT_NE(request.flags & frames::kEnd, 0);
      accept(worker, request.id);
    };
    workers_.behaviour.on_close = [this](FakeWorker& worker, std::uint64_t id, std::uint16_t code, std::string_view) {
      worker.end(id);
      if (!std::exchange(has_closed_, true)) close_code_.set_value(code);
    };
  }
  static void accept(FakeWorker& worker, std::uint64_t id) {
    frames::ResponseHead head;
    head.status = 101;
    worker.respond(id, frames::kStreamed, head, "Sec-WebSocket-Protocol: chat\r\n", "");
  }

  // A handshake; its session runs over socket_ if it is accepted.
  std::shared_ptr<Question> open(std::string version = "13", FakeSocket* socket = nullptr) {
    auto question = std::make_shared<Question>(*loops_[0], "/chat", std::make_unique<WholeBody>(""));
    version_ = std::move(version);
    auto& headers = question->request.headers;
    headers.add(http::Field::connection, "Connection", "keep-alive, Upgrade");
    headers.add(http::Field::upgrade, "Upgrade", "WebSocket");
    headers.add(http::Field::other, "Sec-WebSocket-Version", version_);
    headers.add(http::Field::other, "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    loops_[0]->post(
        [this, question, socket] { groups_[0].spawn(talk(question, *find("chat:app"), socket ? *socket : socket_)); });
    return question;
  }
  static Task<void> talk(std::shared_ptr<Question> question, const service::Handler& handler, FakeSocket& socket) {
    auto outcome = handler.handle(question->request, question->call);
    http::Response response(500);
    if (outcome.ready()) {
      response = std::move(outcome.response());
    } else {
      auto& task = outcome.task();
      response = co_await task;
    }
    Answer answer;
    answer.status = response.status;
    answer.body = response.headers.wire();
    if (auto* const session = response.session()) {
      auto running = session->run(socket);
      co_await running;
    }
    response = http::Response(200);
    question->promise.set_value(std::move(answer));
  }

  FakeSocket socket_;
  std::string version_;
  std::promise<std::uint16_t> close_code_;
  bool has_closed_ = false;
};

TEST_F(PoolSocketTest, MessagesGoBothWaysAndTheClientCloses) {
  workers_.behaviour.on_message = [](FakeWorker& worker, std::uint64_t id, std::string_view bytes, std::uint8_t flags) {
    EXPECT_LE(bytes.size(), frames::kMaxBodyFrame);
    worker.send(id, Type::worker_message, flags, bytes);
    const auto grant = static_cast<std::uint32_t>(bytes.size());
    worker.send(id, Type::request_credit, 0, frames::bytes_of(grant));
  };
  start();
  auto question = open();
  on_loop(0, [&] { socket_.send("hello", true); });
  on_loop(0, [&] { socket_.send("", true); });
  on_loop(0, [&] { socket_.send(std::string(1'000'000, 'b'), false); });
  std::size_t received = 0;
  while (received < 1'000'005) on_loop(0, [&] { received = socket_.received.size(); });
  on_loop(0, [&] { socket_.end(3001); });
  const auto answer = question->get();
  EXPECT_EQ(answer.status, 101);
  EXPECT_EQ(answer.body, "Sec-WebSocket-Protocol: chat\r\n");
  EXPECT_EQ(close_code_.get_future().get(), 3001);
  EXPECT_EQ(socket_.received_texts, 2);
  EXPECT_EQ(socket_.closed_by_endpoint, 0);
}

TEST_F(PoolSocketTest, TheWorkerCloses) {
  workers_.behaviour.on_message = [](FakeWorker& worker, std::uint64_t id, std::string_view, std::uint8_t) {
    worker.send(id, Type::worker_message, frames::kEnd | frames::kText, "bye");
    worker.send_close(id, 4000, "that was all");
    worker.send(id, Type::worker_message, frames::kEnd, "too late");
  };
  start();
  auto question = open();
  on_loop(0, [&] { socket_.send("hello", true); });
  question->get();
  EXPECT_EQ(socket_.received, "bye");
  EXPECT_EQ(socket_.closed_by_endpoint, 4000);
  EXPECT_EQ(socket_.closed_text, "that was all");
  EXPECT_EQ(close_code_.get_future().get(), 4000) << "the worker hears that it worked";
}

TEST_F(PoolSocketTest, AnEndWithoutACloseIsNormalAndAnErrorIsNot) {
  workers_.behaviour.on_message = [](FakeWorker& worker, std::uint64_t id, std::string_view bytes, std::uint8_t) {
    if (bytes == "end") worker.end(id);
    if (bytes == "fail") worker.fail(id, 500, "python.exception", "Traceback");
    if (bytes == "die") worker.die();
  };
  start();
  for (const auto& [what, code] : {std::pair<std::string, int>("end", 1000), std::pair<std::string, int>("fail", 1011),
                                   std::pair<std::string, int>("die", 1011)}) {
    SCOPED_TRACE(what);
    FakeSocket socket;
    auto question = open("13", &socket);
    on_loop(0, [&, word = what] { socket.send(word, true); });
    EXPECT_EQ(question->get().status, 101);
    EXPECT_EQ(socket.closed_by_endpoint, code);
  }
}

TEST_F(PoolSocketTest, ARefusalIsAnOrdinaryAnswer) {
  workers_.behaviour.on_request = [](FakeWorker& worker, const ReceivedRequest& request) {
    worker.fail(request.id, 403, "python.http_error");
  };
  start();
  EXPECT_EQ(open()->get().status, 403);
  EXPECT_EQ(open("12")->get().status, 426);
}

TEST_F(PoolSocketTest, APlainRequestMayNotBeUpgraded) {
  workers_.behaviour.on_request = [](FakeWorker& worker, const ReceivedRequest& request) {
    accept(worker, request.id);
    worker.end(request.id);
  };
  start();
  EXPECT_EQ(ask(0, "chat:app", "/")->get().status, 500);
}

TEST_F(PoolSocketTest, ASlowWorkerStopsTheReading) {
  auto arrived = std::make_shared<std::atomic<std::size_t>>(0);
  workers_.behaviour.on_message = [arrived](FakeWorker&, std::uint64_t, std::string_view bytes, std::uint8_t) {
    *arrived += bytes.size();
  };
  start();
  auto question = open();
  for (int i = 0; i < 8; ++i) on_loop(0, [&] { socket_.send(std::string(100'000, 'x'), false); });
  while (*arrived < frames::kInitialCredit) std::this_thread::yield();
  on_loop(0, [] {});
  EXPECT_EQ(*arrived, frames::kInitialCredit) << "no more than the credit";
  workers_.at(0)->post([](FakeWorker& worker) {
    const std::uint32_t grant = 600'000;
    for (const auto& [id, lane] : worker.lane_of) worker.send(id, Type::request_credit, 0, frames::bytes_of(grant));
  });
  while (*arrived < 800'000) std::this_thread::yield();
  on_loop(0, [&] { socket_.end(1001); });
  question->get();
  EXPECT_EQ(close_code_.get_future().get(), 1001);
}

TEST_F(PoolSocketTest, ASlowClientStopsTheWorker) {
  auto credit = std::make_shared<std::atomic<std::size_t>>(0);
  workers_.behaviour.on_credit = [credit](FakeWorker&, std::uint64_t, std::uint32_t bytes) { *credit += bytes; };
  workers_.behaviour.on_message = [](FakeWorker& worker, std::uint64_t id, std::string_view, std::uint8_t) {
    for (int i = 0; i < 4; ++i)
      worker.send(id, Type::worker_message, i == 3 ? frames::kEnd : 0, std::string(frames::kMaxBodyFrame, 'm'));
  };
  start();
  on_loop(0, [&] { socket_.take_from_now_on(false); });
  auto question = open();
  on_loop(0, [&] { socket_.send("go", true); });
  on_loop(0, [] {});
  EXPECT_EQ(*credit, 0u) << "nothing was taken";
  on_loop(0, [&] { socket_.take_from_now_on(true); });
  while (*credit < 4 * frames::kMaxBodyFrame) std::this_thread::yield();
  on_loop(0, [&] { socket_.end(1006); });
  question->get();
  EXPECT_EQ(close_code_.get_future().get(), 1006);
}

TEST_F(PoolSocketTest, ACancelledCallEndsBothWaits) {
  start();
  auto question = open();
  on_loop(0, [&] {
    for (int i = 0; i < 4; ++i) socket_.send(std::string(100'000, 'x'), false);
  });
  bool is_running = false;
  while (!is_running) on_loop(0, [&] { is_running = socket_.unread() < 4; });  // not before the handshake is answered
  on_loop(0, [&] {
    socket_.end(1006);
    question->call.cancel();
  });
  question->get();
  EXPECT_EQ(close_code_.get_future().get(), 1006);
}

}  // namespace
}  // namespace tandem::test
