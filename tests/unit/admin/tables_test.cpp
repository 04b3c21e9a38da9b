#include "admin/tables.hpp"

#include <gtest/gtest.h>

#include "admin/snapshot.hpp"
#include "fake_server.hpp"

namespace tandem::admin {
namespace {

TEST(Tables, StatusIsAligned) {
  FakeServer server;
  auto& arm = server.registry.arm("fib", "cpp", "native");
  observe::Exchange exchange;
  exchange.status = 404;
  arm.record(0, exchange);
  server.registry.arm("fib", "py", "python");
  const auto text = format_status(status_json(server.view()));
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text,
            "tandem       1.2.3, ready\n"
            "process      pid 42, up 1m30s, since 2026-11-23T10:00:00.123Z\n"
            "listening    http://127.0.0.1:8080 unix:/run/t.sock\n"
            "config       config/t.json\n"
            "connections  open 7\n"
            "access log: 3 lines dropped\n"
            "\n"
            "POOL    MODE     WORKERS  READY  QUEUED  LIMIT\n"
            "python  process        2      1       5   1024\n"
            "\n"
            "ROUTE  ARM  BACKEND  REQUESTS  4XX  5XX  P50 MS  P99 MS  CPU S\n"
            "fib    cpp  native          1    1    0   0.000   0.000   0.00\n"
            "fib    py   python          0    0    0       -       -   0.00\n");
}

TEST(Tables, WorkersAreAligned) {
  FakeServer server;
  const auto text = format_workers(workers_json(server.view()));
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text,
            "POOL    PID  STATE     IN FLIGHT  REQUESTS  RESTARTS    MEMORY   AGE\n"
            "python  100  ready             1        20         0  30.0 MiB  1m1s\n"
            "python  101  starting          0         0         0     0 KiB    0s\n");
}

TEST(Tables, NoWorkersAreSaidToBeNone) {
  FakeServer server;
  server.pools.clear();
  EXPECT_EQ(*format_workers(workers_json(server.view())), "no workers: no route of this server has an endpoint in a pool\n");
}

TEST(Tables, OtherDocumentsAreErrors) {
  for (const char* text : {"", "nonsense", "[]", "{}", "{\"workers\":[{}]}", "{\"workers\":7}"}) {
    EXPECT_FALSE(format_status(text).ok()) << text;
    if (std::string_view(text) != "{\"workers\":7}") {
      EXPECT_FALSE(format_workers(text).ok()) << text;
    }
  }
}

}  // namespace
}  // namespace tandem::admin
