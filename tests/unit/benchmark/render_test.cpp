#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "benchmark/benchmark.hpp"
#include "support/made_up_run.hpp"

namespace tandem::benchmark {
namespace {

using test::made_up_run;

Run with_differences() {
  auto run = made_up_run({.ratio = 0.5});
  run.answers->requests = 2;
  run.answers->different = 1;
  run.answers->samples.push_back({"GET /fib/20", {{comparison::Kind::value, "$.fib", "6765", "a|b\xff"}}});
  return run;
}

TEST(RenderBenchmark, TextSaysValidityBeforeAnyFigure) {
  const auto run = with_differences();
  const auto text = to_text(run, evaluate(run));
  EXPECT_LT(text.find("valid\n"), text.find("0.5"));
  EXPECT_NE(text.find("fib: cpp (native) against py (python)"), std::string::npos);
  EXPECT_NE(text.find("cpp answers otherwise than py in 1 of 2 requests."), std::string::npos);
  EXPECT_NE(text.find("value $.fib: py 6765, cpp a|b"), std::string::npos);
  EXPECT_NE(text.find("poisson arrivals, 16 connections, 8 pairs of blocks"), std::string::npos);
}

TEST(RenderBenchmark, JsonHasTheSameFigures) {
  const auto run = with_differences();
  const auto findings = evaluate(run);
  const auto json = nlohmann::json::parse(to_json(run, findings));
  EXPECT_EQ(json["valid"], true);
  EXPECT_EQ(json["effects"][0]["metric"], "mean");
  EXPECT_EQ(json["effects"][0]["ratio"], findings.effects[0].ratio);
  EXPECT_EQ(json["effects"][0]["verdict"], "better");
  EXPECT_EQ(json["blocks"].size(), run.blocks.size());
  EXPECT_EQ(json["answers"]["samples"][0]["differences"][0]["path"], "$.fib");
}

TEST(RenderBenchmark, MarkdownCellsCanNotBreakTheTable) {
  const auto run = with_differences();
  const auto text = to_markdown(run, evaluate(run));
  EXPECT_NE(text.find("| mean |"), std::string::npos);
  EXPECT_NE(text.find("a\\|b"), std::string::npos);
}

TEST(RenderBenchmark, ThePageIsOneFileWithoutScripts) {
  auto run = with_differences();
  run.title = "<script>alert(1)</script>";
  const auto findings = evaluate(run);
  const auto page = to_html(run, findings);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_LT(page.find("Can it be trusted?"), page.find("What was found"));
  EXPECT_LT(page.find("What was found"), page.find("Effects"));
  EXPECT_EQ(page, to_html(run, findings));
  run.blocks.back().socket_errors = 1;
  const auto invalid = to_html(run, evaluate(run));
  EXPECT_EQ(invalid.find("<svg"), std::string::npos);
  EXPECT_NE(invalid.find("no figure of it may be used"), std::string::npos);
}

TEST(RenderBenchmark, ASuiteIsOneTable) {
  Suite suite;
  suite.title = "demo.json";
  suite.runs.push_back(made_up_run({.ratio = 0.5}));
  suite.runs.push_back(made_up_run({}));
  suite.runs.back().title = "json";
  suite.runs.back().blocks.front().socket_errors = 1;
  suite.skipped.push_back({"/ws", "it is a WebSocket", false});
  suite.notes.emplace_back("Not sent, as no route answers: 1 request, GET /x.");
  const auto text = to_text(suite);
  EXPECT_NE(text.find("fib"), std::string::npos);
  EXPECT_NE(text.find("INVALID"), std::string::npos);
  EXPECT_NE(text.find("json is invalid: connections: 1 failure (none)"), std::string::npos);
  EXPECT_NE(text.find("demo.json: 2 twin routes, 1 NOT MEASURED"), std::string::npos);
  EXPECT_NE(text.find("skipped: /ws: it is a WebSocket"), std::string::npos);
  for (const auto& document : {text, to_markdown(suite), to_html(suite), to_json(suite)})
    EXPECT_NE(document.find("Not sent, as no route answers: 1 request, GET /x."), std::string::npos) << document;
  EXPECT_NE(to_markdown(suite).find("| fib |"), std::string::npos);
  EXPECT_NE(to_html(suite).find("<svg"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(to_json(suite))["runs"].size(), 2U);
}

}  // namespace
}  // namespace tandem::benchmark
