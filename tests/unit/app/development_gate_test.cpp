#include "app/development_gate.hpp"

#include <gtest/gtest.h>

#include "base/task_group.hpp"
#include "http/problem.hpp"

namespace tandem::app {
namespace {

class Application final : public service::Handler {
 public:
  service::Outcome handle(http::Request&, service::Call&) const override { return http::text("the application"); }
};

// One request at the gate, run on a loop of the test's own.
struct Exchange {
  Exchange(const DevelopmentGate& gate, std::vector<std::pair<std::string, std::string>> sent) : fields(std::move(sent)) {
    for (const auto& [name, value] : fields) request.headers.add(http::parse_field(name), name, value);
    auto outcome = gate.handle(request, call);
    if (outcome.ready()) {
      answer.emplace(std::move(outcome.response()));
    } else {
      group.spawn(keep(std::move(outcome.task()), answer));
    }
  }

  static Task<void> keep(Task<http::Response> task, std::optional<http::Response>& answer) { answer.emplace(co_await task); }

  // Lets the loop turn until the answer is there.
  http::Response& wait() {
    while (!answer) loop.context().run_one_for(std::chrono::seconds(20));
    return *answer;
  }
  // A few turns without one.
  void expect_none() {
    for (int turn = 0; turn < 3; ++turn) loop.context().run_one_for(std::chrono::seconds(20));
    EXPECT_FALSE(answer);
  }

  std::vector<std::pair<std::string, std::string>> fields;
  Loop loop{0};
  service::Peer peer;
  service::Call call{loop, peer};
  http::Request request;
  std::optional<http::Response> answer;
  TaskGroup group;
};

const std::pair<std::string, std::string> kBrowser = {"Accept", "text/html,application/xhtml+xml"};

Failure failure(std::string summary) {
  Failure failure;
  failure.summary = std::move(summary);
  failure.traceback = "Traceback";
  return failure;
}

std::string page_number(const http::Response& page) {
  constexpr std::string_view kBefore = "const number = \"";
  const auto start = page.body_text().find(kBefore) + kBefore.size();
  return std::string(page.body_text().substr(start, page.body_text().find('"', start) - start));
}

struct Gate : testing::Test {
  Application application;
  DevelopmentGate gate{application, "shop:app"};
};

TEST_F(Gate, HoldsRequestsUntilThereIsAnApplication) {
  Exchange exchange(gate, {});
  exchange.expect_none();
  gate.open();
  EXPECT_EQ(exchange.wait().body_text(), "the application");
  EXPECT_EQ(Exchange(gate, {}).wait().body_text(), "the application");
}

TEST_F(Gate, ShowsWhatIsBroken) {
  Exchange held(gate, {});
  gate.show(failure("NameError: x"));
  EXPECT_EQ(held.wait().status, 500);
  Exchange browser(gate, {kBrowser});
  EXPECT_EQ(browser.wait().content_type, "text/html; charset=utf-8");
  EXPECT_EQ(browser.wait().headers.find("Cache-Control"), "no-store");
  EXPECT_NE(browser.wait().body_text().find("NameError: x"), std::string_view::npos);
  Exchange program(gate, {{"Accept", "*/*"}});
  EXPECT_EQ(program.wait().content_type, http::kProblemJson);
  for (const auto* part : {"python.load_failed", "NameError: x", "\"traceback\":\"Traceback\""})
    EXPECT_NE(program.wait().body_text().find(part), std::string_view::npos) << program.wait().body_text();
}

TEST_F(Gate, AnswersThePageWhenThereIsSomethingElse) {
  gate.show(failure("first"));
  const auto number = page_number(Exchange(gate, {kBrowser}).wait());
  Exchange watch(gate, {{"Tandem-Page", number}});
  watch.expect_none();
  gate.show(failure("second"));
  EXPECT_EQ(watch.wait().status, 204);
  EXPECT_NE(watch.wait().headers.find("Tandem-Page"), number);
  gate.open();
  EXPECT_EQ(Exchange(gate, {{"Tandem-Page", number}}).wait().status, 204);  // never meets the application
}

TEST_F(Gate, LetsNothingWaitWhenTheServerStops) {
  Exchange held(gate, {});
  gate.stop();
  EXPECT_EQ(held.wait().status, 503);
  EXPECT_EQ(Exchange(gate, {{"Tandem-Page", "0"}}).wait().status, 204);
}

TEST_F(Gate, StopsWaitingForAClientThatHasGone) {
  Exchange held(gate, {});
  held.expect_none();
  held.call.cancel();
  EXPECT_EQ(held.wait().status, 503);
}

}  // namespace
}  // namespace tandem::app
