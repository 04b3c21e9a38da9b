// No allocation per plaintext request: counts operator new while a warm connection serves pipelined and single requests.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include <boost/asio/local/stream_protocol.hpp>

#include "base/task_group.hpp"
#include "experiment/split_handler.hpp"
#include "net/connection.hpp"
#include "routing/router.hpp"

namespace {
std::atomic<long> allocations{0};
thread_local bool counting = false;
}  // namespace

// Not replaced under sanitizers, which bring their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TANDEM_COUNTS_ALLOCATIONS 1
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // malloc and free do match here
void* operator new(std::size_t size) {
  if (counting) allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace tandem::net {
namespace {

class Plaintext final : public service::Handler {
 public:
  service::Outcome handle(http::Request&, service::Call&) const override {
    return http::Response(200, http::kTextPlain, std::string_view("Hello, World!"));
  }
};

void exchange(int client, std::string_view requests, int count) {
  ASSERT_EQ(::write(client, requests.data(), requests.size()), static_cast<ssize_t>(requests.size()));
  std::string answers;
  int seen = 0;
  while (seen < count) {
    char bytes[65536];
    const auto got = ::read(client, bytes, sizeof(bytes));
    ASSERT_GT(got, 0);
    answers.append(bytes, static_cast<std::size_t>(got));
    seen = 0;
    for (auto at = answers.find("Hello, World!"); at != std::string::npos; at = answers.find("Hello, World!", at + 1))
      ++seen;
  }
}

TEST(Connection, AllocatesNothingPerPlaintextRequest) {
#ifndef TANDEM_COUNTS_ALLOCATIONS
  GTEST_SKIP() << "operator new belongs to the sanitizer";
#endif
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Plaintext plaintext;
  std::vector<experiment::Arm> arms(2);
  for (auto& arm : arms) arm.handler = &plaintext;
  arms[0].name = "cpp";
  arms[1].name = "also";
  const experiment::SplitHandler split(std::move(arms), experiment::PinRule(experiment::PinPolicy::open, ""));
  auto table = std::make_shared<routing::RouteTable>();
  routing::Route route;
  route.name = "/plaintext";
  route.pattern = *routing::parse_pattern("/plaintext");
  route.methods = {"GET", "HEAD"};
  route.handler = &split;
  ASSERT_TRUE(table->add(std::move(route)).ok());
  const routing::Router router(table, 1);

  Loop loop(0);
  NetOptions options;
  ConnectionContext context(loop, options, router);
  boost::asio::local::stream_protocol::socket socket(loop.context(), boost::asio::local::stream_protocol(), ends[0]);
  socket.non_blocking(true);
  service::Peer peer;
  Connection connection(socket, context, peer);
  TaskGroup group;
  group.on_empty([&] { loop.stop(); });
  std::thread server([&] {
    counting = true;
    group.spawn(connection.run());
    loop.run();
  });

  const std::string one = "GET /plaintext HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
  std::string sixteen;
  for (int i = 0; i < 16; ++i) sixteen += one;
  for (int i = 0; i < 50; ++i) {  // buffers grow to their size
    exchange(ends[1], one, 1);
    exchange(ends[1], sixteen, 16);
  }
  const long before = allocations.load();
  for (int i = 0; i < 200; ++i) {
    exchange(ends[1], one, 1);
    exchange(ends[1], sixteen, 16);
  }
  // The loop's own timer may tick in between and its completion is no part of a request: it allocates nothing either.
  EXPECT_EQ(allocations.load() - before, 0);
  ::close(ends[1]);
  server.join();
}

}  // namespace
}  // namespace tandem::net
