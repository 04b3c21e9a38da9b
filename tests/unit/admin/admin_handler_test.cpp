#include "admin/admin_handler.hpp"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/task_group.hpp"
#include "fake_server.hpp"

namespace tandem::admin {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

class Admin : public testing::Test {
 protected:
  http::Response ask(FakeRequest& fake) {
    AdminHandler handler(options, server.view(), files);
    service::Call call(loop, peer);
    constexpr std::string_view kId = "id-1";
    kId.copy(call.id_bytes.data(), kId.size());
    call.id_length = kId.size();
    auto outcome = handler.handle(fake.request, call);
    if (outcome.ready()) return std::move(outcome.response());
    http::Response response;
    TaskGroup group;
    group.spawn(await_response(outcome.task(), response));
    loop.context().restart();
    loop.context().poll();
    EXPECT_EQ(group.size(), 0u);
    return response;
  }
  static Task<void> await_response(Task<http::Response>& task, http::Response& response) { response = co_await task; }
  http::Response get(const std::string& path) {
    FakeRequest fake(path);
    return ask(fake);
  }
  static Json json(const http::Response& response) { return Json::parse(response.body_text()); }

  Loop loop{0};
  service::Peer peer{"127.0.0.1", 5000, true};
  FakeServer server;
  AdminOptions options;
  std::array<DashboardFile, 2> files = {DashboardFile{"/", "text/html", "1", "page", ""},
                                        DashboardFile{"/assets/a-1.js", "text/javascript", "2", "let a", ""}};
};

TEST_F(Admin, IsHealthyAsLongAsItAnswers) {
  server.readiness = Readiness::draining;
  const auto response = get("/healthz");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body_text(), "ok\n");
}

TEST_F(Admin, IsReadyOnlyBetweenStartAndDrain) {
  EXPECT_EQ(get("/readyz").status, 200);
  for (const auto& [readiness, word] :
       {std::pair(Readiness::starting, "starting"), std::pair(Readiness::draining, "draining")}) {
    server.readiness = readiness;
    const auto response = get("/readyz");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.content_type, http::kProblemJson);
    EXPECT_TRUE(response.headers.contains("Retry-After"));
    EXPECT_EQ(json(response)["code"], "admin.not_ready");
    EXPECT_EQ(json(response)["detail"], "the server is " + std::string(word));
    EXPECT_EQ(json(response)["request_id"], "id-1");
  }
}

TEST_F(Admin, ServesMetricsAsPrometheusText) {
  server.registry.arm("/a", "", "native").record(0, {});
  const auto response = get("/metrics");
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body_text(), server.registry.prometheus_text());
}

TEST_F(Admin, TellsItsStatus) {
  auto& arm = server.registry.arm("fib", "cpp", "native");
  observe::Exchange exchange;
  exchange.total = 2ms;
  exchange.cpu = 500us;
  for (int i = 0; i < 99; ++i) arm.record(0, exchange);
  exchange.status = 500;
  exchange.total = 50ms;
  for (int i = 0; i < 2; ++i) arm.record(0, exchange);
  server.registry.arm("fib", "py", "python");

  const auto response = get("/api/v1/status");
  EXPECT_EQ(response.content_type, http::kApplicationJson);
  auto status = json(response);
  const auto& busy = status["arms"][0];
  EXPECT_EQ(busy["requests"], Json::parse(R"({"total":101,"1xx":0,"2xx":99,"3xx":0,"4xx":0,"5xx":2})"));
  EXPECT_NEAR(busy["latency_ms"]["p50"], 2, 2.0 / 256);
  EXPECT_NEAR(busy["latency_ms"]["p99"], 50, 50.0 / 256);
  EXPECT_NEAR(busy["latency_ms"]["mean"], (99 * 2 + 2 * 50) / 101.0, 1e-9);
  EXPECT_EQ(busy["latency_ms"]["max"], 50.0);
  EXPECT_NEAR(busy["cpu_seconds"], 0.0505, 1e-9);
  const auto& idle = status["arms"][1];
  EXPECT_EQ(idle["backend"], "python");
  EXPECT_EQ(idle["latency_ms"], Json::parse(R"({"mean":null,"p50":null,"p99":null,"max":null})"));

  status.erase("arms");
  EXPECT_EQ(status, Json::parse(R"({"version":"1.2.3","pid":42,"state":"ready","started_at":"2026-11-23T10:00:00.123Z",
      "uptime_seconds":90.5,"listening":["http://127.0.0.1:8080","unix:/run/t.sock"],"config_file":"config/t.json",
      "io_threads":2,"connections":7,"cpu_seconds":12.5,"rss_bytes":1048576,"access_lines_dropped":3,"generation":1,"retiring_generations":[],"last_reload":null,
      "pools":[{"name":"python","mode":"process","workers":2,"workers_ready":1,"queued":5,"queue_limit":1024}]})"));
}

TEST_F(Admin, ListsRoutes) {
  EXPECT_EQ(json(get("/api/v1/routes")),
            Json::parse(R"({"routes":[{"name":"fib","path":"/fib/{n}","methods":["GET","HEAD"],"arms":[
      {"name":"cpp","backend":"native","endpoint":"fib","weight":3.0,"share":0.75},
      {"name":"py","backend":"python","endpoint":"fib:handle","weight":1.0,"share":0.25,"pool":"python"}]}]})"));
}

TEST_F(Admin, ListsWorkers) {
  const auto document = json(get("/api/v1/workers"));
  EXPECT_EQ(document["workers"][0],
            Json::parse(R"({"pool":"python","generation":1,"worker":"python-0","pid":100,"state":"ready","in_flight":1,
      "requests":20,"restarts":0,"rss_bytes":31457280,"age_seconds":61.5,"gil_wait_seconds":0.0})"));
  EXPECT_EQ(document["workers"][1]["state"], "starting");
  EXPECT_EQ(document["pools"][0]["queued"], 5);
}

TEST_F(Admin, WorkersOfAReplacedGenerationAreDraining) {
  auto old = server.pools.front();
  old.is_retiring = true;
  server.pools.front().generation = 2;
  server.pools.push_back(old);
  const auto document = json(get("/api/v1/workers"));
  EXPECT_EQ(document["pools"].size(), 1u);
  EXPECT_EQ(document["workers"].size(), 4u);
  EXPECT_EQ(document["workers"][2]["generation"], 1);
  EXPECT_EQ(document["workers"][2]["state"], "draining");
  EXPECT_EQ(document["workers"][3]["state"], "starting");
}

TEST_F(Admin, TellsTheStacksAsJsonOrText) {
  const auto document = json(get("/api/v1/stacks"));
  EXPECT_EQ(document["workers"].size(), 3u);
  EXPECT_EQ(document["workers"][1], Json::parse(R"({"pool":"python","generation":1,"worker":"python-1","pid":101,"raw":true,
      "text":"Thread 2"})"));
  FakeRequest fake("/api/v1/stacks");
  const auto text = ask(fake.set("Accept", "text/plain"));
  EXPECT_EQ(text.content_type, http::kTextPlain);
  EXPECT_EQ(text.body_text(),
            "python-0 (pool python, pid 100)\nThread 1\n\n"
            "python-1 (pool python, pid 101)\nThread 2\n\n"
            "own-0 (pool own, a thread of the server)\nThread 3\n");
}

TEST_F(Admin, StacksAndRequestsMayBeOfOnePoolOrWorker) {
  const auto ask_with = [&](const char* path, std::string_view query) {
    FakeRequest fake(path);
    fake.request.query = query;
    return json(ask(fake));
  };
  EXPECT_EQ(ask_with("/api/v1/stacks", "pool=own")["workers"].size(), 1u);
  EXPECT_EQ(ask_with("/api/v1/stacks", "pid=101")["workers"][0]["worker"], "python-1");
  EXPECT_EQ(ask_with("/api/v1/stacks", "pool=own&pid=101")["workers"].size(), 0u);
  EXPECT_EQ(ask_with("/api/v1/requests", "pid=100")["requests"].size(), 1u);
  EXPECT_EQ(ask_with("/api/v1/requests", "pool=other")["requests"].size(), 0u);
}

TEST_F(Admin, ListsRequests) {
  EXPECT_EQ(json(get("/api/v1/requests"))["requests"][0],
            Json::parse(R"({"pool":"python","generation":1,"id":"id-7","state":"running","age_seconds":1.5,"method":"GET",
      "path":"/fib/7","route":"fib","endpoint":"fib:handle","pid":100})"));
}

TEST_F(Admin, ReloadsAndSaysWhatCame) {
  server.reload.generation = 2;
  server.reload.routes = 5;
  server.reload.took = 412ms;
  server.reload.warnings = {"careful"};
  FakeRequest fake("/api/v1/reload");
  const auto response = ask(fake.method("POST"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json(response), Json::parse(R"({"generation":2,"took_ms":412,"warnings":["careful"],"routes":5})"));
  EXPECT_EQ(server.reloaded_by, "127.0.0.1, without a token");
  EXPECT_EQ(response.headers.find("Cache-Control"), "no-store");
}

TEST_F(Admin, AReloadThatFailedIsAProblem) {
  server.reload.generation = 1;
  server.reload.detail = "line 1\nline 2";
  server.reload.errors = {"a", "b"};
  for (const auto& [code, status] : {std::pair("reload.bad_config", 422), std::pair("reload.start_failed", 422),
                                     std::pair("reload.needs_restart", 409), std::pair("server.stopping", 503)}) {
    server.reload.code = code;
    FakeRequest fake("/api/v1/reload");
    const auto response = ask(fake.method("POST"));
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.content_type, http::kProblemJson);
    const auto problem = json(response);
    EXPECT_EQ(problem["code"], code);
    EXPECT_EQ(problem["detail"], "line 1\nline 2");
    EXPECT_EQ(problem["errors"], Json::parse(R"(["a","b"])"));
    EXPECT_EQ(problem["generation"], 1);
    EXPECT_EQ(problem["request_id"], "id-1");
  }
}

TEST_F(Admin, OnlyAPostWithTheAdminTokenReloads) {
  FakeRequest get_it("/api/v1/reload");
  const auto refusal = ask(get_it);
  EXPECT_EQ(refusal.status, 405);
  EXPECT_EQ(refusal.headers.find("Allow"), "POST");
  options.token = "secret";
  options.read_token = "look";
  FakeRequest bare("/api/v1/reload");
  EXPECT_EQ(ask(bare.method("POST")).status, 401);
  FakeRequest reader("/api/v1/reload");
  EXPECT_EQ(json(ask(reader.method("POST").set("Authorization", "Bearer look")))["code"], "admin.read_only");
  EXPECT_EQ(server.reloaded_by, "");
  FakeRequest writer("/api/v1/reload");
  EXPECT_EQ(ask(writer.method("POST").set("Authorization", "Bearer secret")).status, 200);
  EXPECT_EQ(server.reloaded_by, "127.0.0.1, with the admin token");
}

// The answer comes later than the client is ready to wait.
TEST_F(Admin, AWaitEndsWithItsClient) {
  auto view = server.view();
  std::function<void(ReloadReport)> told;
  view.reload = [&told](const std::string&, auto done) { told = std::move(done); };
  AdminHandler handler(options, view);
  service::Call call(loop, peer);
  FakeRequest fake("/api/v1/reload");
  auto outcome = handler.handle(fake.method("POST").request, call);
  http::Response response;
  TaskGroup group;
  group.spawn(await_response(outcome.task(), response));
  loop.context().poll();
  EXPECT_EQ(group.size(), 1u);
  call.cancel();
  loop.context().restart();
  loop.context().poll();
  EXPECT_EQ(group.size(), 0u);
  EXPECT_EQ(response.status, http::kClientGone);
  told({});
  loop.context().restart();
  loop.context().poll();
}

TEST_F(Admin, OtherTokensCountFromTheNextRequestOn) {
  AdminHandler handler(options, server.view());
  service::Call call(loop, peer);
  FakeRequest fake("/api/v1/status");
  EXPECT_EQ(handler.handle(fake.request, call).response().status, 200);
  options.token = "secret";
  handler.set_options(options);
  EXPECT_EQ(handler.handle(fake.request, call).response().status, 401);
}

TEST_F(Admin, AServerWithoutRoutesAndPoolsHasEmptyLists) {
  server.routes.clear();
  server.pools.clear();
  EXPECT_EQ(get("/api/v1/routes").body_text(), "{\"routes\":[]}\n");
  EXPECT_EQ(get("/api/v1/workers").body_text(), "{\"pools\":[],\"workers\":[]}\n");
}

TEST_F(Admin, TheDashboardNeedsNoTokenAndKeepsItsOwnFields) {
  options.token = "secret";
  for (const char* path : {"/", "/assets/a-1.js"}) {
    const auto response = get(path);
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_NE(response.headers.find("Content-Security-Policy").find("script-src 'self'"), std::string_view::npos);
    EXPECT_EQ(response.headers.find("Cache-Control").find("no-store"), std::string_view::npos);
    EXPECT_EQ(response.headers.find("X-Content-Type-Options"), "nosniff");
  }
  EXPECT_EQ(get("/assets/b-1.js").status, 401);
  FakeRequest fake("/");
  const auto refused = ask(fake.method("POST"));
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.headers.find("Allow"), "GET, HEAD");
}

TEST_F(Admin, TheEventsNeedAToken) {
  options.token = "secret";
  EXPECT_EQ(get("/api/v1/events").status, 401);
}

TEST_F(Admin, HeadIsAnsweredLikeGet) {
  FakeRequest fake("/healthz");
  EXPECT_EQ(ask(fake.method("HEAD")).status, 200);
}

TEST_F(Admin, UnknownPagesAreProblems) {
  for (const char* path : {"/nowhere", "/api/v1/status/", "/api", "/healthz/x", "//healthz"}) {
    const auto response = get(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(json(response)["code"], "route.not_found") << path;
  }
}

TEST_F(Admin, WrongMethodsAreToldTheRightOnes) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "BREW"}) {
    FakeRequest fake("/api/v1/status");
    const auto response = ask(fake.method(method));
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.headers.find("Allow"), "GET, HEAD");
    EXPECT_EQ(json(response)["code"], "method.not_allowed");
  }
}

TEST_F(Admin, ForeignHostsAndOriginsAreRefusedOnEveryPage) {
  for (const char* path : {"/", "/healthz", "/readyz", "/metrics", "/api/v1/status", "/nowhere"}) {
    FakeRequest rebound(path, "evil.example:9090");
    EXPECT_EQ(json(ask(rebound))["code"], "admin.foreign_host") << path;
    FakeRequest page(path);
    const auto response = ask(page.set("Origin", "http://evil.example"));
    EXPECT_EQ(response.status, 403);
    EXPECT_EQ(json(response)["code"], "admin.foreign_origin") << path;
  }
}

TEST_F(Admin, ATokenGuardsAllButTheProbesAndTheIndex) {
  options.token = "secret";
  for (const char* path : {"/metrics", "/api/v1/status", "/api/v1/routes", "/api/v1/workers", "/api/v1/nowhere"}) {
    const auto response = get(path);
    EXPECT_EQ(response.status, 401) << path;
    EXPECT_EQ(response.headers.find("WWW-Authenticate"), "Bearer realm=\"tandem\"");
    EXPECT_EQ(json(response)["code"], "admin.unauthorized");
    FakeRequest fake(path);
    EXPECT_NE(ask(fake.set("Authorization", "Bearer secret")).status, 401) << path;
  }
  for (const char* path : {"/", "/healthz", "/readyz"}) EXPECT_EQ(get(path).status, 200) << path;
}

TEST_F(Admin, NothingIsCachedFramedOrSniffed) {
  for (const char* path : {"/healthz", "/metrics", "/nowhere"}) {
    const auto response = get(path);
    EXPECT_EQ(response.headers.find("Cache-Control"), "no-store");
    EXPECT_EQ(response.headers.find("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(response.headers.find("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'");
  }
}

}  // namespace
}  // namespace tandem::admin
