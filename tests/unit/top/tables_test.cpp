#include "top/tables.hpp"

#include <gtest/gtest.h>

#include "unit/top/made_up_news.hpp"

namespace tandem::top {
namespace {

using Texts = std::vector<std::string>;

Texts texts(const std::vector<Cell>& row) {
  Texts out;
  for (const auto& cell : row) out.push_back(cell.text);
  return out;
}

Table table(View view, const News& news) {
  auto made = table_of(view, news);
  EXPECT_TRUE(made.ok());
  return made ? std::move(*made) : Table{};
}

TEST(Tables, RoutesHaveALineForEachArm) {
  const auto routes = table(View::routes, made_up_news());
  ASSERT_EQ(routes.rows.size(), 4U);
  EXPECT_EQ(texts(routes.rows[0]),
            (Texts{"fib", "cpp", "native", "25.25 %", "250", "18 µs", "0.25 ms", "0 %", "1.2M", "/fib/{n}"}))
      << "the traffic is the experiment's, not the file's";
  EXPECT_EQ(texts(routes.rows[1]),
            (Texts{"fib", "py", "python", "74.75 %", "2.5", "12.3 ms", "1.23 s", "<0.1 %", "9999", "/fib/{n}"}));
  EXPECT_EQ(routes.rows[1][7].tone, Tone::bad) << "some failed";
  EXPECT_EQ(texts(routes.rows[2]), (Texts{"/straße", "-", "native", "-", "-", "-", "-", "-", "0", "/straße"}))
      << "nothing is known of it yet";
  EXPECT_EQ(texts(routes.rows[3]), (Texts{"-", "-", "native", "-", "0", "-", "-", "0 %", "5", "(no route)"}));
}

TEST(Tables, WorkersSayWhatIsWrongWithThem) {
  const auto workers = table(View::workers, made_up_news());
  ASSERT_EQ(workers.rows.size(), 2U);
  EXPECT_EQ(texts(workers.rows[0]), (Texts{"python", "2", "51", "ready", "1", "600", "0", "4.0 µs", "29.0 MiB", "3m12s"}));
  EXPECT_EQ(texts(workers.rows[1]), (Texts{"python", "2", "-", "backing off", "0", "0", "7", "0.0 µs", "-", "5s"}));
  EXPECT_EQ(workers.rows[0][3].tone, Tone::good);
  EXPECT_EQ(workers.rows[1][3].tone, Tone::warn);
  EXPECT_EQ(workers.rows[1][6].tone, Tone::warn);
}

TEST(Tables, ExperimentsShowVerdictsAndTheNearestGuardrail) {
  const auto experiments = table(View::experiments, made_up_news());
  ASSERT_EQ(experiments.rows.size(), 4U);
  EXPECT_EQ(texts(experiments.rows[0]), (Texts{"fib-port", "cpp", "25.25 %", "rolled back", "3", "mean", "better", "0.031x",
                                               "0.030x to 0.033x", "12.3 ms", "0.39 ms", "errors 50 %"}));
  EXPECT_EQ(texts(experiments.rows[1]), (Texts{"fib-port", "cpp", "25.25 %", "rolled back", "3", "errors", "undecided",
                                               "1.50x", "0.50x to any", "1 %", "1.5 %", ""}));
  EXPECT_EQ(texts(experiments.rows[2]),
            (Texts{"fib-port", "cpp", "25.25 %", "rolled back", "3", "bytes", "no data", "-", "-", "-", "-", ""}));
  EXPECT_EQ(texts(experiments.rows[3]),
            (Texts{"fib-port", "py", "74.75 %", "rolled back", "3", "(control)", "-", "-", "-", "-", "-", "-"}));
  EXPECT_EQ(experiments.rows[0][3].tone, Tone::bad);
  EXPECT_EQ(experiments.rows[0][6].tone, Tone::good);
}

TEST(Tables, AGuardrailThatHasFiredIsTheNearest) {
  auto news = made_up_news();
  news.documents["experiments"]["experiments"][0]["guardrails"][2]["fired"] = true;
  const auto experiments = table(View::experiments, news);
  EXPECT_EQ(experiments.rows[0].back().text, "cpu fired");
  EXPECT_EQ(experiments.rows[0].back().tone, Tone::bad);
}

TEST(Tables, DifferencesBringTheNewestPair) {
  auto news = made_up_news();
  EXPECT_TRUE(table(View::differences, news).rows.empty());
  news.tell("diffs fib-port", R"({"candidates": [{"name": "off", "answers": null}, {"name": "cpp", "answers": {"findings": [
    {"kind": "value", "path": "$.mean", "pairs": 12, "real": true, "status": {"control": 200, "candidate": 200}, "samples": [
      {"request": "GET /fib/1", "differences": [{"kind": "value", "path": "$.mean", "control": "1", "candidate": "2"}]},
      {"request": "GET /fib/2", "differences": [{"kind": "extra", "path": "$.x", "control": "", "candidate": "9"},
                                                {"kind": "value", "path": "$.mean", "control": "0.5", "candidate": ""}]}]},
    {"kind": "status", "path": "", "pairs": 1, "real": false, "status": {"control": 200, "candidate": 500}}]}}]})",
            {});
  const auto differences = table(View::differences, news);
  ASSERT_EQ(differences.rows.size(), 2U);
  EXPECT_EQ(texts(differences.rows[0]),
            (Texts{"fib-port", "cpp", "value", "$.mean", "12", "yes", "200/200", "0.5", "-", "GET /fib/2"}));
  EXPECT_EQ(texts(differences.rows[1]), (Texts{"fib-port", "cpp", "status", "", "1", "maybe", "200/500", "-", "-", "-"}));
}

TEST(Tables, PagesAreAskedForWhereTheEventsSayNothing) {
  const auto news = made_up_news();
  using Pages = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(pages_of(View::routes, news), Pages{});
  EXPECT_EQ(pages_of(View::stacks, news), (Pages{{"stacks", "/api/v1/stacks"}}));
  EXPECT_EQ(pages_of(View::requests, news), (Pages{{"requests", "/api/v1/requests"}}));
  EXPECT_EQ(pages_of(View::audit, news), (Pages{{"audit", "/api/v1/audit"}}));
  EXPECT_EQ(pages_of(View::differences, news), (Pages{{"diffs fib-port", "/api/v1/experiments/fib-port/diffs"}}));
}

TEST(Tables, StacksAreLines) {
  News news;
  news.tell("stacks", R"({"workers": [{"worker": "python-0", "pool": "python", "pid": 7, "text": "thread 1\n  File a\n"},
                                      {"worker": "python-1", "pool": "python", "pid": 0, "text": ""}]})",
            {});
  const auto stacks = table(View::stacks, news);
  Texts lines;
  for (const auto& row : stacks.rows) lines.push_back(row.at(0).text);
  EXPECT_EQ(lines, (Texts{"python-0 (pool python, pid 7)", "thread 1", "  File a", "",
                          "python-1 (pool python, a thread of the server)"}));
  EXPECT_TRUE(stacks.heading.empty());
}

TEST(Tables, RequestsAndAuditAreListed) {
  News news;
  news.tell("requests", R"({"requests": [{"pool": "python", "id": "", "state": "queued", "age_seconds": 2.5, "method": "GET",
                                          "path": "/a", "route": "a", "endpoint": "a:b", "pid": 0}]})",
            {});
  news.tell("audit", R"({"entries": [
    {"at": "10:00", "experiment": "a", "from": 0, "to": 1, "action": "file", "actor": "file", "reason": "first"},
    {"at": "11:00", "experiment": "a", "from": 1, "to": 2, "action": "weights", "actor": "admin", "reason": "more"}]})",
            {});
  const auto requests = table(View::requests, news);
  EXPECT_EQ(texts(requests.rows.at(0)), (Texts{"2.50 s", "queued", "python", "-", "GET", "/a", "a", "a:b", "-"}));
  EXPECT_EQ(requests.rows[0][0].tone, Tone::warn) << "it takes long";
  const auto audit = table(View::audit, news);
  EXPECT_EQ(texts(audit.rows.at(0)), (Texts{"11:00", "a", "1 > 2", "weights", "admin", "more"})) << "the newest first";
}

TEST(Tables, TheSummaryNamesLoadAndPools) {
  const auto summary = summary_of(made_up_news());
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(*summary,
            (Texts{"0.1.0 ready, pid 42, up 3m12s, generation 2  requests/s 253, connections 12.3k, CPU 93 %, RSS 84.0 MiB",
                   "pool python 1 of 2 ready, 3 of 1024 queued"}));
  EXPECT_EQ(*summary_of(News()), Texts{"waiting for the server"});
}

TEST(Tables, WithoutNewsTheyAreEmpty) {
  for (const auto view : kViews) {
    const auto empty = table(view, News());
    EXPECT_TRUE(empty.rows.empty()) << name_of(view);
    EXPECT_FALSE(empty.when_empty.empty()) << name_of(view);
  }
}

TEST(Tables, ADocumentOfAnotherShapeIsAnError) {
  for (const auto view : kViews) {
    auto news = made_up_news();
    for (const auto* name : {"status", "routes", "workers", "experiments", "requests", "stacks", "audit"})
      news.documents.insert_or_assign(name, Json{{name, {{{"x", 1}}}}, {"workers", {1}}, {"entries", {1}}});
    const bool is_experiments = view == View::differences;
    EXPECT_FALSE(table_of(view, news).ok()) << name_of(view);
    if (!is_experiments) continue;
    EXPECT_TRUE(pages_of(view, news).empty());
    EXPECT_FALSE(summary_of(news).ok());
  }
}

}  // namespace
}  // namespace tandem::top
