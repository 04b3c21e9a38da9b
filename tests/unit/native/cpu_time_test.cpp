#include <gtest/gtest.h>

#include "base/task_group.hpp"
#include "native/native_backend.hpp"
#include "service/cpu_piece.hpp"
#include "service/sleep.hpp"
#include "support/fake_body.hpp"

namespace tandem::native {
namespace {

using namespace std::chrono_literals;

// Keeps the CPU busy for so much of its time.
void burn(Nanoseconds time) {
  const auto end = service::thread_cpu_time() + time;
  while (service::thread_cpu_time() < end) {
  }
}

http::Response compute(const http::Request&) {
  burn(2ms);
  return http::text("done");
}

Task<http::Response> compute_and_wait(http::Request& request, service::Call& call) {
  burn(1ms);
  service::sleep_for pause(call, 1ms);
  co_await pause;
  burn(1ms);
  auto reading = request.body->read();
  const auto piece = co_await reading;
  if (!piece) co_return http::text("no body");
  burn(1ms);
  co_return http::text(std::string(*piece));
}

class TwoPieces final : public http::ResponseStream {
 public:
  explicit TwoPieces(service::Call& call) : call_(call) {}
  Task<Result<std::string_view>> read() override {
    if (pieces_ == 2) co_return std::string_view{};
    ++pieces_;
    service::sleep_for pause(call_, 1ms);
    co_await pause;
    burn(1ms);
    co_return std::string_view("piece");
  }

 private:
  service::Call& call_;
  int pieces_ = 0;
};

Task<http::Response> stream(http::Request&, service::Call& call) {
  burn(1ms);
  co_return http::Response(200, http::kTextPlain, std::make_unique<TwoPieces>(call));
}

http::Response fail(const http::Request&) {
  burn(1ms);
  throw std::runtime_error("failed");
}

constexpr Entry kEndpoints[] = {
    {"compute", compute}, {"compute_and_wait", compute_and_wait, BodyMode::streamed}, {"stream", stream}, {"fail", fail}};

// A body whose next piece comes after other requests had the CPU for long.
class BusyBody final : public http::RequestBody {
 public:
  explicit BusyBody(service::Call& call) : call_(call) {}
  std::optional<std::uint64_t> content_length() const override { return std::nullopt; }
  bool limit(std::uint64_t) override { return true; }
  std::optional<std::string_view> buffered() override { return std::nullopt; }
  Task<Result<std::string_view>> read_all() override { return read(); }
  Task<Result<std::string_view>> read() override {
    burn(20ms);
    service::sleep_for pause(call_, 1ms);
    co_await pause;
    co_return std::string_view("text");
  }
  void abandon() override {}

 private:
  service::Call& call_;
};

class CpuTime : public testing::Test {
 protected:
  CpuTime() : backend_(kEndpoints), loop_(0), call_(loop_, peer_), busy_body_(call_) {
    call_.trial.wants_cpu = true;
    request_.body = &body_;
  }

  Task<void> finish(Task<http::Response> task) {
    auto response = co_await task;
    text_ = response.body_text();
    while (response.stream()) {
      auto reading = response.stream()->read();
      const auto piece = co_await reading;
      if (!piece || piece->empty()) break;
      text_ += *piece;
    }
  }

  // Calls the endpoint while others keep the loop busy whenever it waits.
  void call(std::string_view name) {
    auto found = backend_.find(name);
    auto outcome = (*found)->handle(request_, call_);
    if (outcome.ready()) return;
    bool ended = false;
    TaskGroup group;
    group.on_empty([&] { ended = true; });
    auto task = finish(std::move(outcome.task()));
    group.spawn(std::move(task));
    while (!ended) {
      burn(10ms);
      loop_.context().run_one_for(20s);
    }
  }

  NativeBackend backend_;
  Loop loop_;
  service::Peer peer_;
  service::Call call_;
  support::FakeBody body_;
  BusyBody busy_body_;
  http::Request request_;
  std::string text_;
};

TEST_F(CpuTime, OfAFunctionIsItsRun) {
  call("compute");
  EXPECT_GE(call_.cpu_time, 2ms);
  EXPECT_LT(call_.cpu_time, 8ms);
}

TEST_F(CpuTime, OfACoroutineIsItsPieces) {
  request_.body = &busy_body_;
  call("compute_and_wait");
  EXPECT_EQ(text_, "text");
  EXPECT_GE(call_.cpu_time, 3ms);
  EXPECT_LT(call_.cpu_time, 9ms) << "what others ran meanwhile is in it";
  EXPECT_EQ(request_.body, &busy_body_);
}

TEST_F(CpuTime, OfAStreamHasItsPieces) {
  call("stream");
  EXPECT_EQ(text_, "piecepiece");
  EXPECT_GE(call_.cpu_time, 3ms);
  EXPECT_LT(call_.cpu_time, 9ms);
}

TEST_F(CpuTime, IsReadForThoseThatWantItAlone) {
  call_.trial.wants_cpu = false;
  call("compute");
  request_.body = &busy_body_;
  call("compute_and_wait");
  EXPECT_EQ(call_.cpu_time, 0ns);
}

TEST_F(CpuTime, EndsWithAnException) {
  EXPECT_THROW(call("fail"), std::runtime_error);
  EXPECT_GE(call_.cpu_time, 1ms);
  EXPECT_FALSE(service::is_cpu_running(call_));
}

}  // namespace
}  // namespace tandem::native
