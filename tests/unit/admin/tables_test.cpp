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
            "generation   1\n"
            "last reload  -\n"
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
            "POOL    GEN  PID  STATE     IN FLIGHT  REQUESTS  RESTARTS       RSS   AGE\n"
            "python    1  100  ready             1        20         0  30.0 MiB  1m1s\n"
            "python    1  101  starting          0         0         0     0 KiB    0s\n"
            "pool python: 1 of 2 ready, 5 of 1024 queued\n");
}

TEST(Tables, StatusTellsOfReloads) {
  FakeServer server;
  server.status.generation = 3;
  server.status.retiring = {1, 2};
  server.status.last_reload.emplace();
  server.status.last_reload->at = server.status.started;
  server.status.last_reload->by = "SIGHUP";
  server.status.last_reload->took = std::chrono::milliseconds(412);
  auto text = *format_status(status_json(server.view()));
  EXPECT_NE(text.find("generation   3, requests still run in 1, 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("last reload  2026-11-23T10:00:00.123Z by SIGHUP, took 412 ms\n"), std::string::npos) << text;
  server.status.last_reload->code = "reload.start_failed";
  text = *format_status(status_json(server.view()));
  EXPECT_NE(text.find("by SIGHUP, failed: reload.start_failed\n"), std::string::npos) << text;
}

TEST(Tables, StacksStandUnderTheirWorkers) {
  FakeServer server;
  EXPECT_EQ(*format_stacks(stacks_json(server.stacks, {})), stacks_text(server.stacks, {}));
  EXPECT_EQ(*format_stacks(stacks_json({}, {})), "no such workers\n");
}

TEST(Tables, RequestsAreAligned) {
  FakeServer server;
  EXPECT_EQ(*format_requests(requests_json(server.requests, {})),
            "AGE MS  STATE    PID  METHOD  PATH    ROUTE  ENDPOINT    ID\n"
            "  1500  running  100  GET     /fib/7  fib    fib:handle  id-7\n"
            "     0  queued     0  -       -       -      fib:handle  -\n");
  EXPECT_EQ(*format_requests(requests_json({}, {})), "no requests at the workers\n");
}

TEST(Tables, AReloadIsALineAndWhatToMind) {
  ReloadReport report;
  report.generation = 2;
  report.routes = 5;
  report.took = std::chrono::milliseconds(412);
  report.warnings = {"careful"};
  const auto text = *format_reload(reload_response(report).body_text());
  EXPECT_EQ(text.out, "generation 2 serves 5 routes (took 412 ms)\n");
  EXPECT_EQ(text.complaint, "tandem: warning: careful\n");

  report.code = "reload.bad_config";
  report.generation = 1;
  report.detail = "t.json has 2 errors";
  report.errors = {"t.json:1:2: a", "t.json:3:4: b"};
  EXPECT_EQ(format_failed_reload(reload_response(report).body_text())->complaint,
            "tandem: the reload failed, generation 1 goes on: t.json has 2 errors\nt.json:1:2: a\nt.json:3:4: b\n");
  EXPECT_FALSE(format_failed_reload("{\"code\": \"admin.unauthorized\", \"detail\": \"x\"}").ok());
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
