// A server to look at that does not exist, and requests to its admin side that no socket carried.
#pragma once

#include <functional>
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
                    3,
                    12.5,
                    1U << 20};
  std::vector<RouteView> routes{
      {"fib", "/fib/{n}", {"GET", "HEAD"}, {{"cpp", 3, "native", "fib", ""}, {"py", 1, "python", "fib:handle", "python"}}}};
  std::vector<PoolView> pools{
      {"python", "process", 5, 1024, {{100, "python-0", "ready", 1, 20, 0, 30 << 20, 61.5}, {101, "python-1", "starting"}}}};
  std::vector<StacksView> stacks{
      {"python", 1, {{100, "python-0", "Thread 1\n", false}, {101, "python-1", "Thread 2", true}}},
      {"own", 2, {{0, "own-0", "Thread 3\n", false}}}};
  std::vector<RequestsView> requests{
      {"python",
       1,
       {{"id-7", "fib:handle", "fib", "GET", "/fib/7", "running", 100, 1.5}, {"", "fib:handle", "", "", "", "queued"}}}};
  ReloadReport reload;
  std::string reloaded_by;
  std::string experiments_json = R"({"experiments":[{"id":"port","revision":1}]})";
  std::string report_json = R"({"experiment":"port","candidates":[]})";
  bool answers_later = false;                  // of experiments
  std::vector<std::function<void()>> answers;  // that were held back
  unsigned statuses = 0, reports = 0;          // asked for
  observe::Registry registry{1};

  ServerView view() {
    ServerView view;
    view.readiness = [this] { return readiness; };
    view.status = [this] {
      ++statuses;
      return status;
    };
    view.routes = [this] { return routes; };
    view.pools = [this] { return pools; };
    view.stacks = [this](auto done) { done(stacks); };
    view.requests = [this](auto done) { done(requests); };
    view.reload = [this](std::string by, auto done) {
      reloaded_by = std::move(by);
      done(reload);
    };
    view.experiments = [this](const ExperimentsRequest& request, auto done) {
      const bool is_report = request.kind == ExperimentsRequest::Kind::report;
      reports += is_report ? 1 : 0;
      auto answer = [text = is_report ? report_json : experiments_json, done] { done(http::json_text(text + "\n")); };
      if (answers_later)
        answers.emplace_back(std::move(answer));
      else
        answer();
    };
    view.registry = &registry;
    return view;
  }
  void answer_now() {
    for (const auto& answer : std::exchange(answers, {})) answer();
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
