#include "routing/router.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "support/fake_body.hpp"

namespace tandem::routing {
namespace {

// Answers with what it was made with: at once, or as a stream or task that is there later.
class Endpoint final : public service::Handler {
 public:
  explicit Endpoint(std::size_t bytes, bool later = false) : bytes_(bytes), later_(later) {}
  service::Outcome handle(http::Request&, service::Call&) const override {
    if (later_) return task(bytes_);
    return http::text(std::string(bytes_, 'x'));
  }

 private:
  static Task<http::Response> task(std::size_t bytes) { co_return http::text(std::string(bytes, 'x')); }
  std::size_t bytes_;
  bool later_;
};

std::shared_ptr<const RouteTable> table_with(const service::Handler& handler) {
  auto table = std::make_shared<RouteTable>();
  Route route;
  route.name = "here";
  route.pattern = *parse_pattern("/");
  route.methods = {"GET"};
  route.handler = &handler;
  EXPECT_TRUE(table->add(std::move(route)).ok());
  return table;
}

class RouterTest : public testing::Test {
 protected:
  // The answer's outcome; the call keeps what it has to.
  service::Outcome ask(const Router& router) {
    request_.clear();
    request_.method = http::Method::get;
    request_.method_text = "GET";
    request_.path = request_.target = "/";
    request_.body = &body_;
    call_.clear();
    return router.handle(request_, call_);
  }

  Loop loop_{0};
  service::Peer peer_;
  support::FakeBody body_;
  http::Request request_;
  service::Call call_{loop_, peer_};
  const Endpoint small_{10};
};

TEST_F(RouterTest, ATableThatWasReplacedGoesWithTheNextRequestOfEachLoop) {
  auto first = table_with(small_);
  const std::weak_ptr<const RouteTable> watched = first;
  Router router(std::move(first), 1);
  EXPECT_EQ(ask(router).response().status, 200);
  router.replace(std::make_shared<RouteTable>());
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(ask(router).response().status, 404);
  EXPECT_TRUE(watched.expired());
}

TEST_F(RouterTest, ALoopLetsGoWithoutARequest) {
  auto first = table_with(small_);
  const std::weak_ptr<const RouteTable> watched = first;
  Router router(std::move(first), 2);
  router.refresh(loop_);
  router.replace(std::make_shared<RouteTable>());
  router.refresh(loop_);
  EXPECT_TRUE(watched.expired());
}

TEST_F(RouterTest, OnlyWhatIsWrittenLaterHoldsTheTable) {
  const Router at_once(table_with(small_), 1);
  (void)ask(at_once);
  EXPECT_EQ(call_.table, nullptr);

  const Endpoint large(http::kBufferedBody + 1);
  const Router long_written(table_with(large), 1);
  (void)ask(long_written);
  EXPECT_NE(call_.table, nullptr);

  const Endpoint waited(10, true);
  const Router waiting(table_with(waited), 1);
  (void)ask(waiting);
  EXPECT_NE(call_.table, nullptr);
}

// Thread sanitizer's part: loops look up while another thread replaces.
TEST(Router, IsReplacedWhileLoopsUseIt) {
  const Endpoint small(10);
  Router router(table_with(small), 2);
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> loops;
  for (unsigned i = 0; i < 2; ++i)
    loops.emplace_back([&, i] {
      Loop loop(i);
      service::Peer peer;
      support::FakeBody body;
      http::Request request;
      while (!done) {
        service::Call call(loop, peer);
        request.clear();
        request.method = http::Method::get;
        request.method_text = "GET";
        request.path = request.target = "/";
        request.body = &body;
        if (router.handle(request, call).response().status != 200) ++failures;
      }
    });
  for (int i = 0; i < 2000; ++i) router.replace(table_with(small));
  done = true;
  for (auto& loop : loops) loop.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace tandem::routing
