// A pool between two real loops and fake workers, and requests that run through it.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/task_group.hpp"
#include "pool/pool_backend.hpp"
#include "unit/pool/fake_worker.hpp"

namespace tandem::test {

// A body that arrives piece by piece: each read waits until feed() brings more.
class FedBody final : public http::RequestBody {
 public:
  std::optional<std::uint64_t> content_length() const override { return std::nullopt; }
  bool limit(std::uint64_t) override { return true; }
  std::optional<std::string_view> buffered() override { return std::nullopt; }
  Task<Result<std::string_view>> read_all() override { co_return Error("http.body_too_large", "too large"); }
  Task<Result<std::string_view>> read() override {
    Arrival arrival{*this};
    co_await arrival;
    if (abandoned_) co_return Error("abandoned");
    piece_ = std::move(pieces_.front());
    pieces_.pop_front();
    if (!piece_.ok()) co_return piece_.error();
    co_return std::string_view(*piece_);
  }
  void abandon() override {
    abandoned_ = true;
    if (reader_) std::exchange(reader_, {}).resume();
  }
  // On the loop. An empty piece is the end.
  void feed(Result<std::string> piece) {
    pieces_.push_back(std::move(piece));
    if (reader_) std::exchange(reader_, {}).resume();
  }

 private:
  struct Arrival {
    FedBody& body;
    bool await_ready() const noexcept { return body.abandoned_ || !body.pieces_.empty(); }
    void await_suspend(std::coroutine_handle<> reader) noexcept { body.reader_ = reader; }
    void await_resume() const noexcept {}
  };
  std::deque<Result<std::string>> pieces_;
  Result<std::string> piece_{std::string()};
  std::coroutine_handle<> reader_;
  bool abandoned_ = false;
};

class WholeBody final : public http::RequestBody {
 public:
  explicit WholeBody(std::string content) : content_(std::move(content)) {}
  std::optional<std::uint64_t> content_length() const override { return content_.size(); }
  bool limit(std::uint64_t) override { return true; }
  std::optional<std::string_view> buffered() override { return content_; }
  Task<Result<std::string_view>> read_all() override { co_return std::string_view(content_); }
  Task<Result<std::string_view>> read() override { co_return std::exchange(rest_, {}); }
  void abandon() override {}

 private:
  std::string content_;
  std::string_view rest_ = content_;
};

struct Answer {
  int status = 0;
  std::string body;
  std::string error;  // of a stream that broke off
};

// One request on its way. Kept alive until its answer is there.
struct Question {
  explicit Question(Loop& loop, std::string request_path, std::unique_ptr<http::RequestBody> content)
      : path(std::move(request_path)), body(std::move(content)), call(loop, peer) {
    request.method = http::Method::get;
    request.method_text = "GET";
    request.path = request.target = path;
    request.body = body.get();
    static constexpr std::string_view kId = "test-id";
    std::copy(kId.begin(), kId.end(), call.id_bytes.begin());
    call.id_length = kId.size();
  }
  std::string path;
  std::unique_ptr<http::RequestBody> body;
  service::Peer peer{"127.0.0.1", 4711, true};
  http::Request request;
  service::Call call;
  std::promise<Answer> promise;
  std::future<Answer> answer = promise.get_future();
  bool leave_stream = false;  // drop a streamed answer unread

  Answer get() { return answer.get(); }
};

class PoolTest : public testing::Test {
 protected:
  PoolTest() {
    options_.mode = pool::Mode::thread;
    options_.endpoints = {pool::EndpointOptions{"greet:sync"}, pool::EndpointOptions{"greet:async"},
                          pool::EndpointOptions{"greet:stream"}};
    options_.endpoints[2].stream = true;
    options_.timeout = Milliseconds(60000);
    options_.queue_timeout = Milliseconds(60000);
    program_.run = [this](int control, std::vector<int> lanes) { return workers_.run(control, std::move(lanes)); };
    for (unsigned i = 0; i < 2; ++i) loops_.push_back(std::make_unique<Loop>(i));
  }
  ~PoolTest() override {
    if (backend_) backend_->stop(std::chrono::steady_clock::now() + std::chrono::seconds(5));
    backend_.reset();
    for (auto& loop : loops_) loop->stop();
    for (auto& thread : threads_) thread.join();
  }

  Result<void> make() {
    std::vector<Loop*> loops;
    for (auto& loop : loops_) loops.push_back(loop.get());
    backend_ = std::make_unique<pool::PoolBackend>(options_, program_, loops, registry_);
    for (auto& loop : loops_) threads_.emplace_back([&loop] { loop->run(); });
    return backend_->start();
  }
  void start() {
    const auto result = make();
    ASSERT_TRUE(result.ok()) << result.error().message;
  }

  const service::Handler* find(std::string_view endpoint) { return *backend_->find(endpoint); }

  std::shared_ptr<Question> ask(unsigned loop, std::string_view endpoint, std::string path,
                                std::unique_ptr<http::RequestBody> body = nullptr, bool leave_stream = false) {
    return ask_handler(loop, *find(endpoint), std::move(path), std::move(body), leave_stream);
  }
  std::shared_ptr<Question> ask_handler(unsigned loop, const service::Handler& handler, std::string path,
                                        std::unique_ptr<http::RequestBody> body = nullptr, bool leave_stream = false) {
    if (!body) body = std::make_unique<WholeBody>("");
    auto question = std::make_shared<Question>(*loops_[loop], std::move(path), std::move(body));
    question->leave_stream = leave_stream;
    loops_[loop]->post([this, loop, question, &handler] { groups_[loop].spawn(run(question, handler)); });
    return question;
  }
  static Task<void> run(std::shared_ptr<Question> question, const service::Handler& handler) {
    auto outcome = handler.handle(question->request, question->call);
    auto& task = outcome.task();
    auto response = co_await task;
    Answer answer;
    answer.status = response.status;
    answer.body = response.body_text();
    if (auto* const stream = response.stream(); stream && !question->leave_stream) {
      while (true) {
        auto piece = co_await stream->read();
        if (!piece) answer.error = piece.error().code;
        if (!piece || piece->empty()) break;
        answer.body += *piece;
      }
    }
    response = http::Response(200);
    question->promise.set_value(std::move(answer));
  }

  // Runs `work` on the loop and waits.
  void on_loop(unsigned loop, std::function<void()> work) {
    std::promise<void> done;
    loops_[loop]->post([&] {
      work();
      done.set_value();
    });
    done.get_future().get();
  }

  std::string metric(std::string_view line_start) {
    const auto text = registry_.prometheus_text();
    const auto at = text.find(line_start);
    if (at == std::string::npos) return "";
    const auto value = text.find_last_of(' ', text.find('\n', at)) + 1;
    return text.substr(value, text.find('\n', value) - value);
  }

  pool::PoolOptions options_;
  pool::WorkerProgram program_;
  FakeWorkers workers_;
  observe::Registry registry_{2};
  std::vector<std::unique_ptr<Loop>> loops_;
  std::array<TaskGroup, 2> groups_;
  std::unique_ptr<pool::PoolBackend> backend_;
  std::vector<std::thread> threads_;
};

}  // namespace tandem::test
