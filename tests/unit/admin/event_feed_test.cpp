#include "admin/event_feed.hpp"

#include <gtest/gtest.h>

#include <list>
#include <map>
#include <nlohmann/json.hpp>

#include "base/task_group.hpp"
#include "fake_server.hpp"

namespace tandem::admin {
namespace {

using Json = nlohmann::json;

class Feed : public testing::Test {
 protected:
  // Somebody who watches, and reads one event when told to.
  struct Viewer {
    Viewer(EventFeed& feed, Loop& loop, const service::Peer& peer) : call(loop, peer), response(feed.watch(call)) {}

    service::Call call;
    http::Response response;
    bool is_reading = false;
    std::optional<Result<std::string>> read;  // what came of it, until somebody looks
  };
  ~Feed() override { all_leave(); }
  Viewer& watch() { return viewers.emplace_back(feed, loop, peer); }

  static Task<void> read_one(Viewer& viewer) {
    auto reading = viewer.response.stream()->read();
    const auto piece = co_await reading;
    if (piece)
      viewer.read = Result<std::string>(std::string(*piece));
    else
      viewer.read = Result<std::string>(piece.error());
    viewer.is_reading = false;
  }
  void begin_read(Viewer& viewer) {
    if (viewer.is_reading || viewer.read) return;
    viewer.is_reading = true;
    group.spawn(read_one(viewer));
    poll();
  }
  // As connections end: what they wait for first.
  void all_leave() {
    for (auto& viewer : viewers) viewer.call.cancel();
    poll();
    EXPECT_EQ(group.size(), 0u);
    viewers.clear();
  }
  void poll() {
    loop.context().restart();
    loop.context().poll();
  }
  // A second and what the wheel's ticks round it up by.
  void pass_a_second() {
    now += EventFeed::kInterval + TimerWheel::kTick;
    loop.wheel().advance(now);
    poll();
  }
  // All that this viewer has not seen, by the event's name.
  std::multimap<std::string, Json> read_all(Viewer& viewer) {
    std::multimap<std::string, Json> events;
    while (true) {
      begin_read(viewer);
      if (!viewer.read) return events;
      const auto text = viewer.read->value();
      viewer.read.reset();
      const auto end = text.find('\n');
      EXPECT_EQ(text.substr(0, 7), "event: ");
      EXPECT_EQ(text.substr(end + 1, 6), "data: ");
      EXPECT_EQ(text.substr(text.size() - 2), "\n\n");
      EXPECT_EQ(text.find('\n', end + 1), text.size() - 2) << "one line of data";
      events.emplace(text.substr(7, end - 7), Json::parse(text.substr(end + 7)));
    }
  }

  Loop loop{0};
  TimePoint now = loop.coarse_now();
  service::Peer peer{"127.0.0.1", 5000, true};
  FakeServer server;
  const ServerView view = server.view();
  TaskGroup group;
  EventFeed feed{view};
  std::list<Viewer> viewers;
};

TEST_F(Feed, TellsWhatThePagesTell) {
  server.registry.arm("fib", "cpp", "native").record(0, {});
  server.registry.arm("fib", "py", "python");
  server.registry.arm("say \"hi\" \\ \n", "", "native");
  auto& viewer = watch();
  EXPECT_EQ(viewer.response.content_type, "text/event-stream");
  auto events = read_all(viewer);
  auto status = events.find("status")->second;
  EXPECT_EQ(status["recent_seconds"], 0);
  status.erase("recent_seconds");
  for (auto& arm : status["arms"]) {
    EXPECT_TRUE(arm.at("recent").is_null());
    arm.erase("recent");
  }
  AdminHandler handler({}, view);
  for (const auto& [name, shown] : {std::pair("status", status), std::pair("workers", events.find("workers")->second),
                                    std::pair("routes", events.find("routes")->second)}) {
    FakeRequest fake("/api/v1/" + std::string(name));
    service::Call call(loop, peer);
    auto outcome = handler.handle(fake.request, call);
    EXPECT_EQ(shown, Json::parse(outcome.response().body_text())) << name;
  }
  EXPECT_EQ(events.find("experiments")->second, Json::parse(server.experiments_json));
}

TEST_F(Feed, TellsEverySecondWhatIsRecent) {
  auto& arm = server.registry.arm("fib", "cpp", "native");
  auto& viewer = watch();
  read_all(viewer);
  for (int i = 0; i < 3; ++i) arm.record(0, {});
  pass_a_second();
  auto events = read_all(viewer);
  EXPECT_EQ(events.count("status"), 1u);
  EXPECT_EQ(events.count("workers"), 1u);
  EXPECT_EQ(events.count("routes"), 0u) << "they are as they were";
  EXPECT_EQ(events.count("experiments"), 0u) << "they are as they were";
  EXPECT_EQ(events.find("status")->second["arms"][0]["requests"]["total"], 3);
  EXPECT_EQ(events.find("status")->second["arms"][0]["recent"]["per_second"], 3.0);
}

TEST_F(Feed, TellsOfRoutesAfterAReload) {
  auto& viewer = watch();
  read_all(viewer);
  server.routes.push_back({"new", "/new", {"GET"}, {{"", 1, "native", "new", ""}}});
  server.status.generation = 2;
  pass_a_second();
  const auto events = read_all(viewer);
  ASSERT_EQ(events.count("routes"), 1u);
  EXPECT_EQ(events.find("routes")->second["routes"][1]["name"], "new");
}

TEST_F(Feed, TellsOfExperimentsWhenTheyChangeAndTheirVerdictsNowAndThen) {
  auto& viewer = watch();
  read_all(viewer);
  server.experiments_json = R"({"experiments":[{"id":"port","revision":2}]})";
  pass_a_second();
  auto events = read_all(viewer);
  EXPECT_EQ(events.find("experiments")->second["experiments"][0]["revision"], 2);
  EXPECT_EQ(events.count("report") + server.reports, 2u) << "asked for once, and told";
  server.report_json = "{\n  \"experiment\": \"port\",\n  \"candidates\": [\n    1\n  ]\n}\n";
  for (int i = 0; i < 10; ++i) pass_a_second();
  EXPECT_EQ(server.reports, 2u);
  events = read_all(viewer);
  EXPECT_EQ(events.count("report"), 1u) << "the newest alone";
  EXPECT_EQ(events.find("report")->second["candidates"], Json::parse("[1]"));
}

TEST_F(Feed, WhoComesLaterIsToldEverythingAtOnce) {
  read_all(watch());
  pass_a_second();
  pass_a_second();
  auto events = read_all(watch());
  for (const char* name : {"status", "workers", "routes", "experiments", "report"})
    EXPECT_EQ(events.count(name), 1u) << name;
}

TEST_F(Feed, ASlowViewerMissesEvents) {
  auto& viewer = watch();
  read_all(viewer);
  for (int i = 0; i < 5; ++i) pass_a_second();
  EXPECT_EQ(read_all(viewer).count("status"), 2u) << "what it was waiting for, and the newest";
}

TEST_F(Feed, MakesOneSnapshotForAllOfThemAndNoneForNobody) {
  auto& first = watch();
  auto& second = watch();
  read_all(first);
  read_all(second);
  server.statuses = 0;
  begin_read(first);
  begin_read(second);
  pass_a_second();
  EXPECT_EQ(server.statuses, 1u);
  EXPECT_EQ(first.read->value(), second.read->value());
  all_leave();
  EXPECT_EQ(feed.viewers(), 0u);
  for (int i = 0; i < 5; ++i) pass_a_second();
  EXPECT_EQ(server.statuses, 1u);
}

TEST_F(Feed, SoManyAndNoMore) {
  for (std::size_t i = 0; i < EventFeed::kMaxViewers; ++i) EXPECT_EQ(watch().response.status, 200);
  const auto refused = watch().response.status;
  EXPECT_EQ(refused, 503);
  EXPECT_EQ(Json::parse(viewers.back().response.body_text())["code"], "admin.too_many_viewers");
  viewers.pop_back();
  viewers.pop_front();
  EXPECT_EQ(watch().response.status, 200);
}

TEST_F(Feed, AViewerThatGoesEndsItsWait) {
  auto& viewer = watch();
  read_all(viewer);
  EXPECT_FALSE(viewer.read);
  viewer.call.cancel();
  poll();
  ASSERT_TRUE(viewer.read);
  EXPECT_EQ(viewer.read->error().code, "client.gone");
  pass_a_second();
}

TEST_F(Feed, AnAnswerThatComesTooLateIsNobodys) {
  server.answers_later = true;
  read_all(watch());
  all_leave();
  server.answer_now();
  poll();
  EXPECT_EQ(feed.viewers(), 0u);
  server.answers_later = false;
  EXPECT_EQ(read_all(watch()).count("experiments"), 1u);
}

}  // namespace
}  // namespace tandem::admin
