// A server to look at that does not exist, and requests to its admin side that no socket carried.
#pragma once

#include <list>
#include <string>
#include <utility>
#include <vector>

#include "admin/admin_handler.hpp"
#include "support/fake_body.hpp"

namespace tandem::admin {

struct FakeServer {
  Readiness readiness = Readiness::ready;
  StatusView status{"1.2.3",
                    42,
                    std::chrono::system_clock::time_point(std::chrono::milliseconds(1795428000123)),
                    std::chrono::milliseconds(90500),
                    {"http://127.0.0.1:8080", "unix:/run/t.sock"},
                    "config/t.json",
                    2,
                    7,
                    3};
  std::vector<RouteView> routes{
      {"fib", "/fib/{n}", {"GET", "HEAD"}, {{"cpp", 3, "native", "fib", ""}, {"py", 1, "python", "fib:handle", "python"}}}};
  std::vector<PoolView> pools{{"python", "process", 5, 1024, {{100, "ready", 1, 20, 0, 30 << 20, 61.5}, {101, "starting"}}}};
  observe::Registry registry{1};

  ServerView view() {
    return {[this] { return readiness; }, [this] { return status; }, [this] { return routes; }, [this] { return pools; },
            &registry};
  }
};

// One request, as the connection would hand it over.
struct FakeRequest {
  explicit FakeRequest(std::string path_text, std::string host = "localhost:9090") : path(std::move(path_text)) {
    request.target = request.path = path;
    request.body = &body;
    if (!host.empty()) set("Host", std::move(host));
    request.authority = request.headers.find(http::Field::host);
  }
  FakeRequest& set(std::string name, std::string value) {
    auto& [kept_name, kept_value] = *texts.insert(texts.end(), {std::move(name), std::move(value)});
    request.headers.add(http::parse_field(kept_name), kept_name, kept_value);
    return *this;
  }
  FakeRequest& method(std::string_view name) {
    request.method = http::parse_method(name);
    request.method_text = name;
    return *this;
  }

  std::string path;
  std::list<std::pair<std::string, std::string>> texts;
  support::FakeBody body;
  http::Request request;
};

}  // namespace tandem::admin
