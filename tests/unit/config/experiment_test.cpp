// The object "experiment" of a twin route: what it becomes, and what is said of mistakes.
#include <gtest/gtest.h>

#include <numeric>

#include "config/load.hpp"

namespace tandem::config {
namespace {

using experiment::KeySource;
using experiment::Settings;

LoadOptions with_fib() {
  LoadOptions options;
  options.native_endpoints = {"fib"};
  return options;
}

LoadResult load_route(const std::string& experiment, const std::string& further = "") {
  const std::string route =
      R"({"path": "/fib/{n}", "arms": {"py": {"native": "fib", "weight": 9}, "cpp": {"native": "fib", "weight": 1}},
    "experiment": )" +
      experiment + "}";
  return load_text("{\"routes\": [" + route + further + "]}", "t.json", with_fib());
}

Settings parse(const std::string& keys) {
  const auto result = load_route(R"({"id": "fib-port", "control": "py")" + keys + "}");
  for (const auto& line : result.lines()) ADD_FAILURE() << line;
  return result.config ? *result.config->routes.at(0).experiment : Settings();
}

// What is wrong with an experiment that has these keys beside id and control, one line each.
std::string problems(const std::string& keys) {
  std::string all;
  for (const auto& problem : load_route(R"({"id": "fib-port", "control": "py", )" + keys + "}").problems)
    all += problem.place.pointer.substr(problem.place.pointer.find("experiment")) + ": " + problem.message + "\n";
  return all;
}

TEST(ParseExperiment, FillsInDefaults) {
  const auto e = parse("");
  EXPECT_EQ(e.id, "fib-port");
  EXPECT_EQ(e.salt, "fib-port");
  EXPECT_EQ(e.route, "/fib/{n}");
  EXPECT_EQ(e.control, "py");
  ASSERT_EQ(e.arms.size(), 2u);
  EXPECT_EQ(e.arms[0].weight_bp, 9000u);
  EXPECT_EQ(e.arms[1].name, "cpp");
  ASSERT_EQ(e.key.size(), 1u);
  EXPECT_EQ(e.key[0].kind, KeySource::Kind::mint);
  EXPECT_EQ(e.key[0].name, "tandem_id");
  EXPECT_FALSE(e.shadow);
  EXPECT_FALSE(e.fallback);
  ASSERT_EQ(e.guardrails.size(), 6u);
  EXPECT_DOUBLE_EQ(e.guardrails[2].quantile, 0.99);
  EXPECT_DOUBLE_EQ(e.guardrails[2].margin, 1.25);
  EXPECT_EQ(e.guardrails[3].action, experiment::GuardrailSettings::Action::warn);
  EXPECT_EQ(e.guardrails[5].action, experiment::GuardrailSettings::Action::hold);
}

TEST(ParseExperiment, ReadsTheExampleOfTheManual) {
  const auto e = parse(R"(, "key": ["cookie:uid", "header:X-User", "mint"], "assign": "sticky",
    "shadow": {"candidate": "cpp", "sample": 0.1, "methods": ["GET"], "concurrency": 1, "queue": 256},
    "compare": {"headers": ["Content-Type"], "json": {"ignore": ["$.generated_at", "$.items[*].id"], "number": {"rel": 1e-9}}},
    "guardrails": [{"metric": "errors", "margin": 1.5, "action": "rollback"}],
    "schedule": [{"weight": 1, "min_time": "10m", "min_requests": 1000}, {"weight": 50, "gate": "manual"}],
    "fallback": "control")");
  ASSERT_EQ(e.key.size(), 3u);
  EXPECT_EQ(e.key[1].name, "X-User");
  EXPECT_EQ(e.key[1].text, "header:X-User");
  EXPECT_EQ(e.shadow->candidate, "cpp");
  EXPECT_DOUBLE_EQ(e.shadow->sample, 0.1);
  EXPECT_EQ(e.compare.headers, std::vector<std::string>{"content-type"});
  EXPECT_EQ(e.compare.ignore.size(), 2u);
  EXPECT_DOUBLE_EQ(e.compare.relative, 1e-9);
  EXPECT_EQ(e.guardrails.size(), 1u);
  ASSERT_EQ(e.schedule.size(), 2u);
  EXPECT_EQ(e.schedule[0].weight_bp, 100u);
  EXPECT_EQ(e.schedule[0].min_time, Milliseconds(600'000));
  EXPECT_TRUE(e.schedule[1].manual);
  EXPECT_TRUE(e.fallback);
}

TEST(ParseExperiment, ReadsSourcesOfTheKey) {
  const auto e = parse(R"(, "key": ["query:u", "path:n", "client_ip/24/64"])");
  ASSERT_EQ(e.key.size(), 3u);
  EXPECT_EQ(e.key[0].kind, KeySource::Kind::query);
  EXPECT_EQ(e.key[1].kind, KeySource::Kind::path);
  EXPECT_EQ(e.key[2].ipv4_prefix, 24u);
  EXPECT_EQ(e.key[2].ipv6_prefix, 64u);
  EXPECT_EQ(parse(R"(, "key": ["client_ip/64"])").key[0].ipv6_prefix, 64u);
  EXPECT_EQ(parse(R"(, "key": ["client_ip/24"])").key[0].ipv6_prefix, 128u);
}

TEST(ParseExperiment, RefusesSourcesThatCanHaveNoKey) {
  EXPECT_EQ(problems(R"("key": ["coookie:uid"])"),
            "experiment/key/0: there is no key source \"coookie\" (did you mean \"cookie\"?); there are cookie:NAME, "
            "header:NAME, query:NAME, path:PARAMETER, client_ip, mint and random\n");
  EXPECT_EQ(problems(R"("key": ["path:m"])"), "experiment/key/0: the path \"/fib/{n}\" has no parameter \"m\"\n");
  EXPECT_EQ(problems(R"("key": ["cookie"])"), "experiment/key/0: say which one, as in \"cookie:NAME\"\n");
  EXPECT_EQ(problems(R"("key": ["mint:uid"])"), "experiment/key/0: \"mint\" has no name\n");
  EXPECT_EQ(problems(R"("key": ["cookie:a b"])"), "experiment/key/0: \"a b\" is no name of a cookie\n");
  EXPECT_EQ(problems(R"("key": ["mint", "cookie:uid"])"),
            "experiment/key/1: never looked at: \"mint\" before it always has a key\n");
  EXPECT_EQ(problems(R"("key": [])"), "experiment/key: expected one source of the key or more\n");
  for (const auto* wrong :
       {"client_ip/0", "client_ip/", "client_ip/129", "client_ip/24/24/24", "client_ip/x", "client_ip/64/64"})
    EXPECT_NE(problems("\"key\": [\"" + std::string(wrong) + "\"]"), "") << wrong;
}

TEST(ParseExperiment, NamesArmsOfTheRoute) {
  const auto lines = load_route(R"({"id": "x", "control": "pi", "shadow": {"candidate": "cp"}})").lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("this route has no arm \"pi\" (did you mean \"py\"?)"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("this route has no arm \"cp\" (did you mean \"cpp\"?)"), std::string::npos) << lines[1];
  EXPECT_EQ(problems(R"("shadow": {"candidate": "py"})"),
            "experiment/shadow/candidate: \"py\" is the control: a shadow runs another arm\n");
}

TEST(ParseExperiment, RefusesMarginsThatNobodyCaresAbout) {
  for (const auto* margin : {"0", "-1", "1"})
    EXPECT_NE(problems("\"guardrails\": [{\"metric\": \"errors\", \"margin\": " + std::string(margin) + "}]")
                  .find("expected a ratio above 1"),
              std::string::npos);
  EXPECT_NE(problems(R"("guardrails": [{"metric": "mismatch", "margin": 0}])").find("expected a rate"), std::string::npos);
  EXPECT_NE(problems(R"("guardrails": [{"metric": "srm", "margin": 2}])").find("no margin"), std::string::npos);
  EXPECT_NE(problems(R"("guardrails": [{"metric": "cpu", "stat": "p99"}])").find("only \"latency\""), std::string::npos);
  EXPECT_NE(problems(R"("guardrails": [{"metric": "cpu", "alpha": 0.02}])").find("0.01"), std::string::npos);
  EXPECT_NE(problems(R"("metrics": {"margin": 0})").find("above 0"), std::string::npos);
}

TEST(ParseExperiment, RefusesShadowsThatWouldDoHarm) {
  EXPECT_EQ(problems(R"("shadow": {"methods": ["POST"]})"),
            "experiment/shadow/methods/0: this route does not answer \"POST\"\n");
  EXPECT_EQ(parse(R"(, "shadow": {})").shadow->candidate, "cpp");
}

TEST(ParseExperiment, FieldsOfShadowsAreNamesOfFields) {
  EXPECT_EQ(parse(R"(, "shadow": {"headers": ["X-User", "accept"]})").shadow->headers,
            (std::vector<std::string>{"x-user", "accept"}));
  EXPECT_EQ(parse(R"(, "shadow": {"headers": []})").shadow->headers, std::vector<std::string>());
  EXPECT_EQ(parse(R"(, "shadow": {})").shadow->headers, std::nullopt);
  EXPECT_EQ(problems(R"("shadow": {"headers": ["a b", "Connection"]})"),
            "experiment/shadow/headers/0: \"a b\" is no name of a field\n"
            "experiment/shadow/headers/1: \"Connection\" is about the connection or chooses the arm: no shadow gets it\n");
}

TEST(ParseExperiment, ASwitchbackIsAnalysedByRounds) {
  EXPECT_EQ(parse(R"(, "assign": "switchback")").window, std::chrono::seconds(60));
  EXPECT_EQ(parse(R"(, "assign": "switchback", "block": "10m")").window, std::chrono::minutes(20));
  EXPECT_EQ(parse(R"(, "assign": "switchback", "block": "10s", "metrics": {"window": "20s"})").window,
            std::chrono::seconds(20));
  EXPECT_EQ(
      problems(R"("assign": "switchback", "metrics": {"window": "10s"})"),
      "experiment/metrics/window: the unit of analysis of a switchback is a round, one block of each arm: 1m; leave it "
      "out\n");
  EXPECT_EQ(problems(R"("assign": "switchback", "block": "4500ms")"), "experiment/block: expected whole seconds\n");
  EXPECT_EQ(problems(R"("assign": "switchback", "block": "2s")"),
            "experiment/block: the whole block would be left out: it lasts 2s, and \"washout\" is 3s unless it says "
            "otherwise\n");
  EXPECT_EQ(problems(R"("assign": "switchback", "washout": "30s")"),
            "experiment/washout: the whole block would be left out: it lasts 30s\n");
  EXPECT_EQ(
      problems(R"("assign": "switchback", "schedule": "default")"),
      "experiment/schedule: in a switchback every arm has its turn, whatever its weight: there are no steps to take\n");
}

TEST(ParseExperiment, SaysWhichJsonPathIsNone) {
  const auto result = load_text(R"({
  "routes": [
    {"path": "/fib/{n}", "arms": {"py": {"native": "fib"}, "cpp": {"native": "fib"}},
     "experiment": {"id": "x", "control": "py",
       "compare": {"json": {
         "ignore": ["$.fine", "at", "$.items["],
         "unordered": ["$..tags"],
         "key": {"items": "id"},
         "mask": [{"path": "$[", "pattern": "."}]},
         "redact": [""]}}}]})",
                                "t.json", with_fib());
  std::vector<std::string> places;
  for (const auto& line : result.lines()) places.push_back(line.substr(0, line.find(": /") + 2));
  EXPECT_EQ(places, (std::vector<std::string>{"t.json:6:31: ", "t.json:6:37: ", "t.json:7:24: ", "t.json:8:27: ",
                                              "t.json:9:28: ", "t.json:10:21: "}));
  EXPECT_EQ(result.lines()[1],
            "t.json:6:37: /routes/0/experiment/compare/json/ignore/2: \"$.items[\" is no path: a \"[\" is not closed");
}

TEST(ParseExperiment, WeightsAreNoLessThanZeroAndNotAllZero) {
  const auto problem_of = [](const std::string& one, const std::string& other) {
    std::string config = R"({"routes": [{"path": "/", "arms": {"a": {"native": "fib", "weight": )";
    config.append(one).append(R"(}, "b": {"native": "fib", "weight": )").append(other);
    config.append(R"(}}, "experiment": {"id": "x", "control": "a"}}]})");
    std::string all;
    for (const auto& line : load_text(config, "t.json", with_fib()).lines()) all.append(line).append("\n");
    return all;
  };
  EXPECT_EQ(problem_of("1", "-1"), "t.json:1:106: /routes/0/arms/b/weight: expected a number ≥ 0, got -1\n");
  EXPECT_NE(problem_of("0", "0").find("/routes/0/arms: "), std::string::npos) << problem_of("0", "0");
  EXPECT_NE(problem_of("0", "0").find("sum to 0"), std::string::npos) << problem_of("0", "0");
  EXPECT_EQ(problem_of("0", "1"), "");
}

TEST(ParseExperiment, ARouteHasOneExperiment) {
  // A second member of that name, which JSON parsers drop in silence.
  const auto twice = load_text(R"({"routes": [{"path": "/", "arms": {"a": {"native": "fib"}, "b": {"native": "fib"}},
  "experiment": {"id": "x", "control": "a"},
  "experiment": {"id": "y", "control": "a"}}]})",
                               "t.json", with_fib());
  ASSERT_FALSE(twice.lines().empty());
  EXPECT_EQ(twice.lines()[0], "t.json:3:3: /routes/0/experiment: this name is given twice, first in line 2");
  // A list of them.
  EXPECT_EQ(load_route(R"([{"id": "x", "control": "py"}, {"id": "y", "control": "py"}])").lines().size(), 1u);
  // The same methods and path once more.
  const auto routes = load_route(R"({"id": "x", "control": "py"})",
                                 R"(, {"path": "/fib/{m}", "arms": {"a": {"native": "fib"}, "b": {"native": "fib"}},
    "experiment": {"id": "y", "control": "a"}})");
  ASSERT_EQ(routes.problems.size(), 1u);
  EXPECT_EQ(routes.problems[0].place.pointer.substr(0, 9), "/routes/1");
}

TEST(ParseExperiment, RefusesSchedulesThatPassWithoutData) {
  EXPECT_NE(problems(R"("schedule": [{"weight": 1, "min_requests": 0}, {"weight": 5}])").find("no data would be a pass"),
            std::string::npos);
  EXPECT_NE(problems(R"("schedule": [{"weight": 5}, {"weight": 5}])").find("above"), std::string::npos);
  EXPECT_NE(problems(R"("schedule": [{"weight": 5, "require": {"p98": "not_worse"}}])").find("no metric"),
            std::string::npos);
  EXPECT_EQ(parse(R"(, "schedule": "default")").schedule.size(), 6u);
}

TEST(ParseExperiment, NeedsAnIdAControlAndArms) {
  EXPECT_EQ(load_route("{}").problems.size(), 2u);
  LoadOptions options;
  const auto result = load_text(R"({"routes": [{"path": "/", "native": "fib", "experiment": {"id": "a", "control": "b"}}]})",
                                "t.json", options);
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].message, "only a route with \"arms\" has an experiment");
  EXPECT_NE(problems(R"("colour": 1)").find("there is no such key"), std::string::npos);
  EXPECT_NE(problems(R"("block": "1s")").find("only with \"assign\": \"switchback\""), std::string::npos);
}

TEST(ParseExperiment, IdsAreUniqueAndSafeAsNamesOfFiles) {
  const auto twice = load_route(R"({"id": "x", "control": "py"})",
                                R"(, {"path": "/other", "arms": {"a": {"native": "fib"}, "b": {"native": "fib"}},
    "experiment": {"id": "x", "control": "a"}})");
  ASSERT_EQ(twice.problems.size(), 1u);
  EXPECT_EQ(twice.problems[0].place.pointer, "/routes/1/experiment/id");
  for (const auto* id : {"", "..", "a/b", "a b"})
    EXPECT_EQ(load_route("{\"id\": \"" + std::string(id) + R"(", "control": "py"})").problems.size(), 1u) << id;
}

TEST(ParseExperiment, SaysNothingOfArmsThatCouldNotBeRead) {
  LoadOptions options;
  const auto result = load_text(R"({"routes": [{"path": "/", "arms": {"a": {"native": 1}, "b": {"native": "x"}},
    "experiment": {"id": "x", "control": "a", "shadow": {"candidate": "b"}}}]})",
                                "t.json", options);
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].place.pointer, "/routes/0/arms/a/native");
}

}  // namespace
}  // namespace tandem::config
