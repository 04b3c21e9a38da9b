#include "config/load.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>

namespace tandem::config {
namespace {

namespace fs = std::filesystem;

// A working directory with python_handlers/ in it.
class Load : public testing::Test {
 protected:
  Load() {
    std::string pattern = (fs::temp_directory_path() / "tandem-load-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
    fs::create_directory(directory_ / "python_handlers");
    options_.working_directory = directory_;
    options_.cpus = 6;
    options_.native_endpoints = {"plaintext", "json", "fib"};
    options_.environment = [](std::string_view name) -> std::optional<std::string> {
      if (name == "PORT") return "7070";
      if (name == "WORKERS") return "3";
      if (name == "YES") return "true";
      return std::nullopt;
    };
  }
  ~Load() override { fs::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
  }

  LoadResult read(const std::string& text) const { return load_text(text, "t.json", options_); }

  // The config of a text without mistakes.
  Config config(const std::string& text) const {
    const auto result = read(text);
    for (const auto& line : result.lines()) ADD_FAILURE() << line;
    return result.config.value_or(Config());
  }

  // All problems of a text, one per line.
  std::string problems(const std::string& text) const {
    const auto result = read(text);
    EXPECT_EQ(result.config.has_value(), result.problems.empty());
    std::string all;
    for (const auto& line : result.lines()) all += line + "\n";
    return all;
  }

  // The same for one route, or for keys beside a route.
  std::string route_problems(const std::string& route) const { return problems("{\"routes\": [" + route + "]}"); }
  std::string top_problems(const std::string& keys) const { return problems("{" + keys + ", \"routes\": []}"); }

  fs::path directory_;
  LoadOptions options_;
};

TEST_F(Load, FillsInDefaults) {
  const auto c = config(R"({"routes": []})");
  ASSERT_EQ(c.listen.size(), 1u);
  EXPECT_EQ(c.listen[0].text, "0.0.0.0:8080");
  EXPECT_EQ(c.threads, 6u);
  ASSERT_TRUE(c.admin.listen);
  EXPECT_EQ(c.admin.listen->text, "127.0.0.1:9090");
  EXPECT_EQ(c.net.limits.body_bytes, 1024u * 1024u);
  EXPECT_EQ(c.net.limits.idle_timeout, Milliseconds(75'000));
  EXPECT_EQ(c.pin, PinPolicy::loopback);
  const auto& python = c.pools.at("python");
  EXPECT_EQ(python.workers, 6u);
  EXPECT_EQ(python.path, std::vector<std::string>{(directory_ / "python_handlers").string()});
  EXPECT_EQ(python.queue, 1024u);
}

TEST_F(Load, ReadsEverySection) {
  write("token", "s3cret\n");
  const auto c = config(R"({
    "listen": ["127.0.0.1:${PORT}", {"address": "[::1]:0"}, "unix:/run/t.sock"], "threads": 2,
    "admin": {"listen": "0.0.0.0:9091", "hosts": ["metrics.example"], "token_file": "token", "read_token_file": "token"},
    "limits": {"header_bytes": "32KiB", "header_count": 50, "uri_bytes": 4096, "body_bytes": "2MiB", "connections": 7,
               "header_timeout": "1s", "body_timeout": "2s", "idle_timeout": "3s", "write_timeout": "4s", "drain_timeout": "0s"},
    "http": {"strict": true}, "websocket": {"max_message": "1MiB", "ping_interval": "5s", "ping_timeout": "2s", "compression": false}, "log": {"level": "warn", "format": "json", "access": false, "file": "tandem.log"},
    "python": {"workers": "${WORKERS}", "queue": 5, "queue_timeout": "1m", "timeout": "2s", "max_requests": 10,
               "max_requests_jitter": 2, "max_rss": "64MiB", "home": null, "threads": 4},
    "pools": {"other": {"mode": "thread"}},
    "pin": "token", "pin_token_file": "token", "server_timing": "${YES}", "debug": true, "state_dir": "state", "trusted_proxies": ["10.0.0.0/8"],
    "routes": [{"path": "/x", "name": "x", "methods": ["GET", "POST"], "python": {"endpoint": "m:f", "timeout": "9s"}, "pool": "other",
                "stream": true, "limits": {"body_bytes": "3MiB"}, "timeout": "8s", "pin": "off"}]})");
  ASSERT_EQ(c.listen.size(), 3u);
  EXPECT_EQ(c.listen[0].port, 7070);
  EXPECT_EQ(c.listen[1].host, "::1");
  EXPECT_EQ(c.admin.token, "s3cret");
  EXPECT_EQ(c.net.limits.header_bytes, 32u * 1024);
  EXPECT_EQ(c.net.limits.uri_bytes, 4096u);
  EXPECT_EQ(c.net.limits.connections, 7u);
  EXPECT_EQ(c.net.limits.drain_timeout, Milliseconds(0));
  EXPECT_TRUE(c.net.strict);
  EXPECT_EQ(c.net.websocket.max_message, 1024u * 1024u);
  EXPECT_EQ(c.net.websocket.ping_interval, Milliseconds(5000));
  EXPECT_EQ(c.net.websocket.ping_timeout, Milliseconds(2000));
  EXPECT_FALSE(c.net.websocket.compression);
  EXPECT_EQ(c.log.level, "warn");
  EXPECT_EQ(c.log.file, (directory_ / "tandem.log").string());
  EXPECT_EQ(c.pools.at("python").workers, 3u);
  EXPECT_EQ(c.pools.at("python").max_rss_bytes, 64u << 20);
  EXPECT_TRUE(c.pools.at("python").endpoints.empty());
  const auto& other = c.pools.at("other");
  EXPECT_EQ(other.workers, 1u);
  EXPECT_TRUE(other.debug);
  ASSERT_EQ(other.endpoints.size(), 1u);
  EXPECT_EQ(other.endpoints[0].target, "m:f");
  EXPECT_TRUE(other.endpoints[0].stream);
  EXPECT_EQ(c.pin_token, "s3cret");
  EXPECT_TRUE(c.server_timing);
  ASSERT_EQ(c.routes.size(), 1u);
  const auto& route = c.routes[0];
  EXPECT_EQ(route.name, "x");
  EXPECT_EQ(route.body_bytes, 3u << 20);
  EXPECT_EQ(route.timeout, Milliseconds(8000));
  EXPECT_EQ(route.pin, PinPolicy::off);
  EXPECT_FALSE(route.is_twin);
  EXPECT_EQ(route.arms.at(0).endpoint.timeout, Milliseconds(9000));
  EXPECT_EQ(route.arms.at(0).endpoint.pool, "other");
}

TEST_F(Load, GivesWsgiApplicationsSeveralThreads) {
  const auto c = config(R"({"pools": {"two": {"threads": 2}, "async": {}, "wsgi": {}}, "routes": [
    {"path": "/f", "python": "m:f"}, {"path": "/a/*", "asgi": "m:a", "pool": "async"}, {"path": "/w/*", "wsgi": "m:w", "pool": "wsgi"},
    {"path": "/t/*", "wsgi": "m:w", "pool": "two"}]})");
  EXPECT_EQ(c.pools.at("python").threads, 1u);
  EXPECT_EQ(c.pools.at("async").threads, 1u);
  EXPECT_EQ(c.pools.at("wsgi").threads, 4u);
  EXPECT_EQ(c.pools.at("two").threads, 2u);
}

TEST_F(Load, KeepsArmsInTheOrderOfTheFile) {
  const auto c = config(R"({"routes": [{"path": "/fib", "arms": {
    "z": {"native": "fib", "weight": 1.5}, "a": {"python": "fib:handle"}, "m": {"python": "fib:handle", "weight": 0}}}]})");
  const auto& arms = c.routes.at(0).arms;
  ASSERT_EQ(arms.size(), 3u);
  EXPECT_TRUE(c.routes[0].is_twin);
  EXPECT_EQ(arms[0].name, "z");
  EXPECT_EQ(arms[0].weight, 1.5);
  EXPECT_EQ(arms[0].endpoint.pool, "");
  EXPECT_EQ(arms[1].weight, 1);
  EXPECT_EQ(arms[1].endpoint.pool, "python");
  EXPECT_EQ(arms[2].name, "m");
  EXPECT_EQ(c.pools.at("python").endpoints.size(), 1u);
}

TEST_F(Load, ReportsAllErrorsAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(problems("{\n"
                     "  \"limts\": {},\n"
                     "  \"threads\": -1,\n"
                     "  \"log\": {\"level\": \"inf\", \"access\": 1},\n"
                     "  \"python\": {\"timeout\": 30, \"queue\": 1.5},\n"
                     "  \"routes\": [\n"
                     "    {\"path\": \"/a\", \"arms\": {\"py\": {\"native\": \"fib\", \"weight\": -1}}},\n"
                     "    {\"path\": \"b\", \"nativ\": \"fib\"}\n"
                     "  ]\n"
                     "}"),
            "t.json:2:3: /limts: there is no such key at the top of the file (did you mean \"limits\"?)\n"
            "t.json:3:14: /threads: expected \"auto\" or a whole number from 1 to 1024, got -1\n"
            "t.json:4:20: /log/level: expected \"trace\", \"debug\", \"info\", \"warn\", \"error\", \"critical\" or "
            "\"off\", got \"inf\" "
            "(did you mean \"info\"?)\n"
            "t.json:4:37: /log/access: expected true or false, got 1\n"
            "t.json:5:25: /python/timeout: expected a duration such as \"30s\", got 30 (did you mean \"30s\" or \"30ms\"?)\n"
            "t.json:5:38: /python/queue: expected a whole number from 1 to 1000000, got 1.5\n"
            "t.json:7:63: /routes/0/arms/py/weight: expected a number ≥ 0, got -1\n"
            "t.json:8:14: /routes/1/path: a path begins with \"/\"\n"
            "t.json:8:19: /routes/1/nativ: there is no such key in /routes/1 (did you mean \"native\"?)\n");
}

TEST_F(Load, ExplainsWhatIsNoJson) {
  EXPECT_EQ(problems("{\n  \"a\": 1,\n}"), "t.json:3:1: this is not JSON: a comma stands before \"}\"\n");
  EXPECT_EQ(problems("{\"a\" 1}").rfind("t.json:1:6: this is not JSON: unexpected number literal", 0), 0u)
      << problems("{\"a\" 1}");
  EXPECT_EQ(problems("{\"a\": tru}"), "t.json:1:7: this is not JSON: invalid literal\n");
  EXPECT_NE(problems("").find("this is not JSON: "), std::string::npos);
  EXPECT_NE(problems("{\"a\": \"").find("this is not JSON: "), std::string::npos);
  EXPECT_NE(problems("{\"a\": 1e999}").find("this is not JSON: "), std::string::npos);
  EXPECT_EQ(problems("{} x").rfind("t.json:1:4: this is not JSON: ", 0), 0u) << problems("{} x");
  EXPECT_NE(problems("/* {}").find("this is not JSON: "), std::string::npos);
  EXPECT_NE(problems("{\"\xff\": 1}").find("this is not JSON: "), std::string::npos);
  EXPECT_EQ(problems(std::string(100'000, '[')), "t.json:1:1: values are nested more than 64 deep\n");
}

TEST_F(Load, RefusesNamesGivenTwice) {
  EXPECT_EQ(problems("{\"routes\": [],\n\"debug\": true,\n\"debug\": false}"),
            "t.json:3:1: /debug: this name is given twice, first in line 2\n");
}

TEST_F(Load, RefusesAnotherTypeAtTheTop) {
  EXPECT_EQ(problems("[]"), "t.json:1:1: expected an object, got an array\nt.json:1:1: there are no \"routes\"\n");
}

TEST_F(Load, ReportsVariablesThatAreNotSet) {
  EXPECT_EQ(
      top_problems(R"("listen": ["${NOWHERE}:80"])"),
      "t.json:1:13: /listen/0: the environment variable NOWHERE is not set (\"${NOWHERE:-default}\" gives it a default)\n");
  EXPECT_EQ(
      top_problems(R"("threads": "${NOWHERE}")"),
      "t.json:1:13: /threads: the environment variable NOWHERE is not set (\"${NOWHERE:-default}\" gives it a default)\n");
  EXPECT_EQ(top_problems(R"("threads": "${NOWHERE:-auto}")"), "");
  EXPECT_EQ(top_problems(R"("debug": "${PORT}")"), "t.json:1:11: /debug: expected true or false, got \"${PORT}\"\n");
}

TEST_F(Load, ChecksRanges) {
  EXPECT_NE(top_problems(R"("limits": {"header_count": 0})").find("from 1 to 10000, got 0"), std::string::npos);
  EXPECT_NE(top_problems(R"("limits": {"connections": 99999999999999999999})").find("expected a whole number"),
            std::string::npos);
  EXPECT_NE(top_problems(R"("limits": {"body_timeout": "25h"})").find("from 1ms to 24h, got \"25h\""), std::string::npos);
  EXPECT_NE(top_problems(R"("limits": {"body_bytes": "99999999GiB"})").find("from 0B to 1024GiB"), std::string::npos);
  EXPECT_NE(top_problems(R"("limits": {"header_bytes": "1KiB", "uri_bytes": "2KiB"})").find("/limits/uri_bytes: "),
            std::string::npos);
  EXPECT_EQ(config(R"({"limits": {"header_bytes": "1KiB"}, "routes": []})").net.limits.uri_bytes, 1024u);
  EXPECT_NE(top_problems(R"("state_dir": "a\u0000b")").find("control character"), std::string::npos);
}

TEST_F(Load, ChecksAddresses) {
  EXPECT_NE(top_problems(R"("listen": [])").find("/listen: expected one address or more"), std::string::npos);
  EXPECT_NE(top_problems(R"("listen": ["1.2.3.4:80", "1.2.3.4:80"])").find("/listen/1: \"1.2.3.4:80\" is listed twice"),
            std::string::npos);
  EXPECT_NE(top_problems(R"("listen": [{"address": "1.2.3.4:80", "tls": {}}])").find("/listen/0/tls: TLS is not built yet"),
            std::string::npos);
  EXPECT_NE(top_problems(R"("listen": [{}])").find("/listen/0: a listener needs an \"address\""), std::string::npos);
  EXPECT_NE(top_problems(R"("listen": [1])").find("/listen/0: expected an address"), std::string::npos);
  EXPECT_NE(top_problems(R"("listen": ["127.0.0.1:9090"])").find("also a listener of the server"), std::string::npos);
  EXPECT_EQ(config(R"({"listen": "unix:/x", "admin": null, "routes": []})").admin.listen, std::nullopt);
}

TEST_F(Load, WantsATokenForAnAdminSideThatOthersReach) {
  EXPECT_NE(top_problems(R"("admin": {"listen": "0.0.0.0:9090"})").find("/admin/listen: other machines reach"),
            std::string::npos);
  EXPECT_EQ(top_problems(R"("admin": {"listen": "unix:/x"})"), "");
  // A token file that can't be read is one error, not two.
  const auto missing = top_problems(R"("admin": {"listen": "0.0.0.0:9090", "token_file": "none"})");
  EXPECT_NE(missing.find("/admin/token_file: the file \"none\" can't be read as a token"), std::string::npos);
  EXPECT_EQ(std::count(missing.begin(), missing.end(), '\n'), 1);
  write("empty", "\n");
  EXPECT_NE(top_problems(R"("admin": {"token_file": "empty"})").find("is empty"), std::string::npos);
  write("two", "a\nb\n");
  EXPECT_NE(top_problems(R"("admin": {"token_file": "two"})").find("one line"), std::string::npos);
  EXPECT_NE(top_problems(R"("admin": {"token_file": "python_handlers"})").find("/admin/token_file"), std::string::npos);
}

TEST_F(Load, SaysWhereAMissingDirectoryWasMeantToBe) {
  write("srv/app/handlers/x.py", "");
  const auto said =
      load_text(R"({"python": {"path": ["handlers"]}, "routes": []})", "srv/app/config/t.json", options_).lines();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("but there is " + (directory_ / "srv/app/handlers").string()), std::string::npos) << said[0];
  EXPECT_NE(top_problems(R"("python": {"path": ["nowhere"]})").find("relative paths start in the working directory"),
            std::string::npos);
  EXPECT_NE(top_problems(R"("python": {"home": "python_handlers"})").find("no virtual environment"), std::string::npos);
  EXPECT_NE(top_problems(R"("log": {"file": "no/where.log"})").find("/log/file: the directory"), std::string::npos);
}

TEST_F(Load, MissesTheDefaultDirectoryOnlyWhenItIsUsed) {
  fs::remove_all(directory_ / "python_handlers");
  EXPECT_EQ(route_problems(R"({"path": "/", "native": "json"})"), "");
  EXPECT_NE(route_problems(R"({"path": "/", "python": "m:f"})").find("python_handlers\" does not exist"), std::string::npos);
}

TEST_F(Load, ReadsPoolsOfApplications) {
  const auto c = config(R"json({"trusted_proxies": ["10.0.0.0/8", "::1", "unix"], "limits": {"body_bytes": null},
    "python": {"workers": {"min": 2, "max": "auto", "idle_timeout": "5s"}, "timeout": null},
    "pools": {"shop": {"environment": {"A": "${PORT}", "B_2": ""}, "user": "root", "max_lifetime": "12h", "lifespan": "on",
                       "warmup": ["/", "POST /fill?x=1", {"path": "/a", "endpoint": "shop:make()"}], "threads": 8}},
    "routes": [{"path": "/shop/*", "asgi": {"endpoint": "shop:make()", "root_path": "/api", "timeout": null}, "pool": "shop"},
               {"path": "/old/*", "wsgi": "old", "timeout": null, "limits": {"body_bytes": null}},
               {"path": "/f", "python": "m:f"}]})json");
  EXPECT_EQ(c.trusted_proxies, (std::vector<std::string>{"10.0.0.0/8", "::1", "unix"}));
  EXPECT_EQ(c.net.limits.body_bytes, UINT64_MAX);
  const auto& python = c.pools.at("python");
  EXPECT_EQ(python.workers, 2u);
  EXPECT_EQ(python.max_workers, 6u);
  EXPECT_EQ(python.idle_timeout, Milliseconds(5000));
  EXPECT_EQ(python.timeout, pool::kNoTimeout);
  const auto& shop = c.pools.at("shop");
  EXPECT_EQ(shop.environment, (std::map<std::string, std::string>{{"A", "7070"}, {"B_2", ""}}));
  EXPECT_EQ(shop.user, "root");
  EXPECT_EQ(shop.max_lifetime, Milliseconds(12 * 3600 * 1000));
  EXPECT_EQ(shop.lifespan, "on");
  EXPECT_EQ(shop.max_workers, 0u);
  ASSERT_EQ(shop.warmup.size(), 3u);
  EXPECT_EQ(shop.warmup[0].method + " " + shop.warmup[0].path, "GET /");
  EXPECT_EQ(shop.warmup[1].method + " " + shop.warmup[1].path, "POST /fill?x=1");
  EXPECT_EQ(shop.warmup[2].endpoint, "shop:make()");
  ASSERT_EQ(shop.endpoints.size(), 1u);
  EXPECT_EQ(shop.endpoints[0].kind, "asgi");
  EXPECT_EQ(shop.endpoints[0].root_path, "/api");
  EXPECT_TRUE(shop.endpoints[0].stream);
  EXPECT_EQ(c.routes[0].arms[0].endpoint.timeout, pool::kNoTimeout);
  EXPECT_EQ(c.routes[1].timeout, pool::kNoTimeout);
  EXPECT_EQ(c.routes[1].body_bytes, UINT64_MAX);
  EXPECT_EQ(python.endpoints.at(0).kind, "wsgi");
  EXPECT_EQ(python.endpoints.at(1).kind, "function");
}

TEST_F(Load, ChecksPoolsOfApplications) {
  const auto pool = [&](const std::string& keys) { return top_problems("\"python\": {" + keys + "}"); };
  const auto expect = [](const std::string& said, const std::string& wanted) {
    EXPECT_NE(said.find(wanted), std::string::npos) << said;
  };
  expect(pool(R"("workers": {"min": 4, "max": 2})"), "/python/workers/max: there are at least 4");
  expect(pool(R"("workers": {"mni": 4})"), "no such key in /python/workers (did you mean \"min\"?)");
  expect(pool(R"("workers": [1])"), "/python/workers: expected \"auto\" or a whole number");
  expect(pool(R"("environment": {"A-B": "x"})"), "/python/environment/A-B: the name of an environment variable");
  expect(pool(R"("environment": {"A": 5})"), "/python/environment/A: expected a string, got 5");
  expect(pool(R"("environment": {"A": "${NOWHERE}"})"), "NOWHERE is not set");
  expect(pool(R"("user": "no such one")"), "/python/user: this machine has no user \"no such one\"");
  expect(pool(R"("lifespan": "auot")"), "did you mean \"auto\"?");
  expect(pool(R"("max_lifetime": 3600)"), "expected a duration");
  expect(pool(R"("warmup": "/")"), "/python/warmup: expected an array");
  expect(pool(R"("warmup": ["health"])"), "/python/warmup/0: expected a path");
  expect(pool(R"("warmup": ["get /"])"), "/python/warmup/0: expected a method in capitals, got \"get\"");
  expect(pool(R"("warmup": [{"pth": "/"}])"), "did you mean \"path\"?");
  for (const auto* keys :
       {R"("max_lifetime": "1h")", R"("environment": {"A": "x"})", R"("user": "root")", R"("workers": {"max": 2})"})
    expect(pool(R"("mode": "thread", )" + std::string(keys)), "(\"mode\": \"thread\")");
  expect(
      problems(R"({"python": {"warmup": ["/"]}, "routes": [{"path": "/a", "asgi": "m:a"}, {"path": "/b", "asgi": "m:b"}]})"),
      "/python/warmup/0: the pool \"python\" has 2 endpoints: say which");
  expect(problems(R"({"python": {"warmup": [{"endpoint": "m:b"}]}, "routes": [{"path": "/a", "asgi": "m:a"}]})"),
         "has no endpoint \"m:b\" (did you mean \"m:a\"?)");
}

TEST_F(Load, ChecksApplications) {
  const auto asgi = [&](const std::string& value) { return route_problems(R"({"path": "/*", "asgi": )" + value + "}"); };
  for (const auto* target : {"m:app", "pack.m:app.asgi", "m:make()", "m:make('x', debug=True)", "m"})
    EXPECT_EQ(asgi("\"" + std::string(target) + "\""), "");
  for (const auto* target : {"", "m:", ":app", "m:a:b", "m:app(", "m:app)", "m/n:app", "1:app"})
    EXPECT_NE(asgi("\"" + std::string(target) + "\"").find("expected \"module:application\""), std::string::npos) << target;
  for (const auto* path : {"api", "/api/", "/", "/a?b"})
    EXPECT_NE(asgi(R"({"endpoint": "m:a", "root_path": ")" + std::string(path) + "\"}").find("/asgi/root_path: a root path"),
              std::string::npos)
        << path;
  EXPECT_NE(route_problems(R"({"path": "/", "python": {"endpoint": "m:f", "root_path": "/api"}})").find("only applications"),
            std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/a", "asgi": "m:f"}, {"path": "/b", "wsgi": "m:f"})")
                .find("is used as wsgi here and as asgi by /routes/0/asgi"),
            std::string::npos);
  EXPECT_NE(
      route_problems(R"({"path": "/a", "asgi": "m:f"}, {"path": "/b", "asgi": {"endpoint": "m:f", "root_path": "/x"}})")
          .find("an application of a pool has one"),
      std::string::npos);
  // The same application twice, in one pool or in two, is nothing special; an ASGI application in a thread isn't either.
  EXPECT_EQ(problems(R"({"python": {"mode": "thread"}, "pools": {"b": {}}, "routes": [{"path": "/a/*", "asgi": "m:f"},
              {"path": "/b/*", "asgi": "m:f"}, {"path": "/c/*", "asgi": "m:f", "pool": "b"}]})"),
            "");
}

TEST_F(Load, ChecksTrustedProxies) {
  const auto said = [&](const std::string& network) { return top_problems("\"trusted_proxies\": [\"" + network + "\"]"); };
  for (const auto* network : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.7", "192.0.2.7/32", "::1", "fd00::/8", "::/0", "unix"})
    EXPECT_EQ(said(network), "") << network;
  for (const auto* network :
       {"", "localhost", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "fd00::/129", "*", "Unix"})
    EXPECT_NE(said(network).find("/trusted_proxies/0: expected a "), std::string::npos) << network;
  EXPECT_NE(said("10.1.2.3/8").find("did you mean \"10.0.0.0/8\"?"), std::string::npos);
  EXPECT_NE(said("fd00::1/15").find("did you mean \"fd00::/15\"?"), std::string::npos);
}

TEST_F(Load, WantsOneEndpointPerRouteAndArm) {
  EXPECT_NE(route_problems(R"({"path": "/"})").find("/routes/0: this route names no endpoint"), std::string::npos);
  EXPECT_NE(route_problems(R"({"native": "json"})").find("/routes/0: this route has no \"path\""), std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/", "native": "json", "python": "m:f"})").find("another backend key"),
            std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/", "native": "json", "arms": {"a": {"native": "json"}}})").find("not both"),
            std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/", "arms": {}})").find("one arm or more"), std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/", "arms": {"a": {}}})").find("/routes/0/arms/a: this arm names no endpoint"),
            std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/", "arms": {"a b": {"native": "json"}}})").find("the name of an arm"),
            std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/", "arms": {"a": {"native": "json", "weight": 0}}})").find("sum to 0"),
            std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/", "native": {"timeout": "1s"}})").find("needs an \"endpoint\""),
            std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/", "native": 5})").find("/routes/0/native: expected the name of an endpoint"),
            std::string::npos);
  EXPECT_NE(route_problems("7").find("/routes/0: expected an object, got 7"), std::string::npos);
}

TEST_F(Load, ChecksNamesOfEndpoints) {
  EXPECT_NE(route_problems(R"({"path": "/", "native": "jsn"})")
                .find("there is no native endpoint \"jsn\" (did you mean \"json\"?)"),
            std::string::npos);
  for (const auto* target : {"m", "m:", ":f", "m:f:g", "m.:f", "1m:f", "m f:g", "m:f()"})
    EXPECT_NE(
        route_problems(R"({"path": "/", "python": ")" + std::string(target) + "\"}").find("expected \"module:function\""),
        std::string::npos)
        << target;
  EXPECT_EQ(route_problems(R"({"path": "/", "python": "pack.mod_1:Klass.method"})"), "");
}

TEST_F(Load, ChecksPools) {
  EXPECT_NE(problems(R"({"pools": {"heavy": {}}, "routes": [{"path": "/", "python": "m:f", "pool": "haevy"}]})")
                .find("there is no pool \"haevy\" (did you mean \"heavy\"?)"),
            std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/", "native": "json", "pool": "python"})").find("run in no pool"),
            std::string::npos);
  EXPECT_NE(top_problems(R"("pools": {"python": {}})").find("has its own section"), std::string::npos);
  EXPECT_NE(top_problems(R"("python": {"mode": "thread", "workers": 2})").find("there is one worker"), std::string::npos);
  EXPECT_NE(top_problems(R"("python": {"mode": "thread", "max_rss": "64MiB"})").find("/python/max_rss"), std::string::npos);
  EXPECT_NE(top_problems(R"("python": {"max_requests_jitter": 5})").find("without \"max_requests\""), std::string::npos);
  EXPECT_NE(problems(R"({"python": {"mode": "thread"}, "pools": {"b": {"mode": "thread"}}, "routes": [
              {"path": "/a", "python": "m:f"}, {"path": "/b", "python": "m:f", "pool": "b"}]})")
                .find("in thread mode too"),
            std::string::npos);
}

TEST_F(Load, WantsOneWayToHandOverABody) {
  const auto said =
      route_problems("{\"path\": \"/a\", \"python\": \"m:f\"},\n{\"path\": \"/b\", \"python\": \"m:f\", \"stream\": true}");
  EXPECT_EQ(
      said,
      "t.json:2:26: /routes/1/python: \"m:f\" is used with \"stream\" here and without it by /routes/0/python in line 1: "
      "an endpoint gets its body in one way\n");
  EXPECT_NE(route_problems(R"({"path": "/", "native": "json", "stream": true})").find("/routes/0/stream"),
            std::string::npos);
}

TEST_F(Load, ChecksMethods) {
  const auto said = [&](const std::string& methods) {
    return route_problems(R"({"path": "/", "native": "json", "methods": )" + methods + "}");
  };
  EXPECT_EQ(said(R"(["GET", "POST", "X-CUSTOM"])"), "");
  EXPECT_EQ(said(R"(["*"])"), "");
  EXPECT_NE(said("[]").find("one method or more"), std::string::npos);
  EXPECT_NE(
      said(R"(["get"])").find("/routes/0/methods/0: expected a method in capitals, got \"get\" (did you mean \"GET\"?)"),
      std::string::npos);
  EXPECT_NE(said(R"(["GET", "*"])").find("stands alone"), std::string::npos);
  EXPECT_NE(said(R"(["GET", "GET"])").find("listed twice"), std::string::npos);
  EXPECT_NE(said(R"(["G T"])").find("in capitals"), std::string::npos);
  EXPECT_NE(said(R"(["CONNECT"])").find("no route can serve it"), std::string::npos);
  EXPECT_NE(said(R"("GET")").find("expected an array"), std::string::npos);
}

TEST_F(Load, RefusesRoutesThatCantBeToldApart) {
  EXPECT_EQ(route_problems("{\"path\": \"/u/{id}\", \"native\": \"json\"},\n{\"path\": \"/u/{name}\", \"native\": \"fib\", "
                           "\"methods\": [\"POST\", \"HEAD\"]}"),
            "t.json:2:10: /routes/1/path: \"/u/{name}\" can't be told apart from \"/u/{id}\" of /routes/0 in line 1: both "
            "answer HEAD\n");
  EXPECT_NE(
      route_problems(R"({"path": "/a", "native": "json"}, {"path": "/%61", "native": "fib"})").find("can't be told apart"),
      std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/a", "native": "json"}, {"path": "/a", "native": "fib", "methods": ["*"]})")
                .find("can't be told apart"),
            std::string::npos);
  EXPECT_EQ(route_problems(
                R"({"path": "/a", "native": "json"}, {"path": "/{b}", "native": "fib"}, {"path": "/*", "native": "fib"})"),
            "");
  EXPECT_NE(route_problems(R"({"path": "/a/{x*}", "native": "json"}, {"path": "/a/*", "native": "fib"})")
                .find("can't be told apart"),
            std::string::npos);
  for (const auto* path : {"", "a", "/*/b", "/{a}/{a}", "/{}", "/x{a}", "/%zz"})
    EXPECT_NE(route_problems(R"({"native": "json", "path": ")" + std::string(path) + "\"}").find("/routes/0/path: "),
              std::string::npos)
        << path;
}

TEST_F(Load, GivesRoutesNamesOfTheirOwn) {
  const auto c =
      config(R"({"routes": [{"path": "/a", "native": "json"}, {"path": "/a", "native": "json", "methods": ["POST", "PUT"]},
                                       {"path": "/b", "native": "json"}]})");
  EXPECT_EQ(c.routes[0].name, "GET /a");
  EXPECT_EQ(c.routes[1].name, "POST,PUT /a");
  EXPECT_EQ(c.routes[2].name, "/b");
  EXPECT_NE(route_problems(R"({"path": "/a", "name": "x", "native": "json"}, {"path": "/b", "name": "x", "native": "json"})")
                .find("/routes/1/name: the name \"x\" is taken by /routes/0 in line 1"),
            std::string::npos);
}

TEST_F(Load, WantsATokenForThePinPolicyToken) {
  EXPECT_NE(top_problems(R"("pin": "token")").find("/pin: \"token\" needs a \"pin_token_file\""), std::string::npos);
  EXPECT_NE(route_problems(R"({"path": "/", "native": "json", "pin": "token"})").find("/routes/0/pin"), std::string::npos);
}

TEST_F(Load, NamesLimitsThatARouteCantHave) {
  EXPECT_EQ(
      route_problems(R"({"path": "/", "native": "json", "limits": {"uri_bytes": 5, "body_byte": 1}})"),
      "t.json:1:56: /routes/0/limits/uri_bytes: this limit can't be set for one route, only in /limits for all\n"
      "t.json:1:72: /routes/0/limits/body_byte: there is no such key in /routes/0/limits (did you mean \"body_bytes\"?)\n");
}

TEST_F(Load, SaysThatAFileCantBeRead) {
  const auto missing = load((directory_ / "none.json").string(), options_).lines();
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(missing[0], (directory_ / "none.json").string() + ": can't be read: No such file or directory");
  EXPECT_EQ(load(directory_.string(), options_).problems.size(), 1u);
}

class Examples : public testing::TestWithParam<const char*> {};

TEST_P(Examples, Load) {
  LoadOptions options;
  options.working_directory = TANDEM_SOURCE_DIR;
  const auto result = load(std::string(TANDEM_SOURCE_DIR "/config/") + GetParam(), options);
  for (const auto& line : result.lines()) ADD_FAILURE() << line;
  ASSERT_TRUE(result.config);
  EXPECT_FALSE(result.config->routes.empty());
}

INSTANTIATE_TEST_SUITE_P(Config, Examples,
                         testing::Values("tandem.json", "minimal.json", "python_only.json", "unix_socket.json",
                                         "thread_mode.json", "experiments.json"));

// A new example must be listed above.
TEST(ExampleFiles, AreAllTested) {
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(TANDEM_SOURCE_DIR "/config"))
    if (entry.path().extension() == ".json" && entry.path().filename() != "tandem.schema.json") ++files;
  EXPECT_EQ(files, 6u);
}

}  // namespace
}  // namespace tandem::config
