#include "app/command_line.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace tandem::app {
namespace {

struct Parsed {
  std::variant<CommandLine, int> result;
  std::string out;
  std::string err;

  template <class Command>
  const Command& as() const {
    return std::get<Command>(std::get<CommandLine>(result));
  }
  int exit_code() const { return std::holds_alternative<int>(result) ? std::get<int>(result) : -1; }
};

Parsed parse(std::vector<std::string> words) {
  words.insert(words.begin(), "tandem");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  auto result = parse_command_line(static_cast<int>(words.size()), argv.data());
  auto out = testing::internal::GetCapturedStdout();
  return Parsed{std::move(result), std::move(out), testing::internal::GetCapturedStderr()};
}

TEST(CommandLine, ServeTakesAFileAndWhatWinsOverIt) {
  const auto parsed = parse({"serve", "my.json", "--listen", "127.0.0.1:0", "--listen", "unix:/x", "--admin", "127.0.0.1:1",
                             "--threads", "2", "--workers", "auto", "--log-level", "debug"});
  const auto& serve = parsed.as<ServeCommand>();
  EXPECT_EQ(serve.config, "my.json");
  ASSERT_EQ(serve.overrides.listen.size(), 2u);
  EXPECT_EQ(serve.overrides.listen[1].path, "/x");
  EXPECT_EQ(serve.overrides.admin->port, 1);
  EXPECT_EQ(serve.overrides.threads, 2u);
  EXPECT_GE(serve.overrides.workers.value_or(0), 1u);
  EXPECT_EQ(serve.overrides.log_level, "debug");
}

TEST(CommandLine, TheFileMayFollowTheOptions) {
  EXPECT_EQ(parse({"serve", "--listen", "127.0.0.1:0", "my.json"}).as<ServeCommand>().config, "my.json");
  EXPECT_EQ(parse({"explain", "-H", "A: b", "GET", "/x", "my.json"}).as<ExplainCommand>().config, "my.json");
}

TEST(CommandLine, ExplainTakesFields) {
  const auto parsed = parse({"explain", "GET", "/x?y=1", "-H", "Tandem-Arm: py", "-H", "X-Empty:", "my.json", "--json"});
  const auto& explain = parsed.as<ExplainCommand>();
  EXPECT_EQ(explain.method, "GET");
  EXPECT_EQ(explain.url, "/x?y=1");
  ASSERT_EQ(explain.headers.size(), 2u);
  EXPECT_EQ(explain.headers[0].second, "py");
  EXPECT_EQ(explain.headers[1].second, "");
  EXPECT_TRUE(explain.json);
}

TEST(CommandLine, KnowsTheOtherCommands) {
  EXPECT_EQ(parse({"check", "a.json"}).as<CheckCommand>().config, "a.json");
  EXPECT_TRUE(parse({"routes", "a.json", "--json"}).as<RoutesCommand>().json);
  EXPECT_EQ(parse({"status"}).as<StatusCommand>().admin, "http://127.0.0.1:9090");
  EXPECT_EQ(parse({"workers", "--admin", "[::1]:9/"}).as<WorkersCommand>().admin, "http://[::1]:9");
  EXPECT_EQ(parse({"status", "--admin", "unix:/x"}).as<StatusCommand>().admin, "unix:/x");
  const auto stacks = parse({"stacks", "--pool", "shop", "--pid", "7"});
  EXPECT_EQ(stacks.as<StacksCommand>().choice.pool, "shop");
  EXPECT_EQ(stacks.as<StacksCommand>().choice.pid, 7);
  EXPECT_EQ(parse({"stacks", "--pid", "-1"}).exit_code(), 2);
  EXPECT_EQ(parse({"requests", "--pool", "shop"}).as<RequestsCommand>().choice.pool, "shop");
  EXPECT_TRUE(parse({"reload", "--json"}).as<ReloadCommand>().json);
  EXPECT_TRUE(parse({"version", "--json"}).as<VersionCommand>().json);
  EXPECT_FALSE(parse({"--version"}).as<VersionCommand>().json);
  const auto worker = parse({"worker", "--fd", "3", "--lanes", "4"});
  EXPECT_EQ(worker.as<WorkerCommand>().control_fd, 3);
  EXPECT_EQ(worker.as<WorkerCommand>().lanes, 4u);
}

TEST(CommandLine, AnswersHelpOnStandardOutput) {
  const auto parsed = parse({"--help"});
  EXPECT_EQ(parsed.exit_code(), 0);
  for (const auto* command : {"serve", "run", "check", "routes", "explain", "status", "workers", "compare", "version"})
    EXPECT_NE(parsed.out.find(command), std::string::npos) << command;
  EXPECT_EQ(parsed.out.find("--lanes"), std::string::npos);
  EXPECT_EQ(parsed.out.find("\n  worker "), std::string::npos);
  EXPECT_NE(parse({"serve", "--help"}).out.find("--log-level"), std::string::npos);
  EXPECT_EQ(parse({"explain", "--help"}).exit_code(), 0);
}

TEST(CommandLine, AnswersBadUsageOnStandardErrorWithTwo) {
  const std::vector<std::vector<std::string>> lines = {
      {},
      {"check"},
      {"serve", "a", "b"},
      {"serve", "a", "--nonsense"},
      {"serve", "a", "--listen"},
      {"serve", "a", "--listen", "8080"},
      {"serve", "a", "--listen", "127.0.0.1:1", "--listen", "127.0.0.1:1"},
      {"serve", "a", "--threads", "0"},
      {"serve", "a", "--threads", "-1"},
      {"serve", "a", "--workers", "many"},
      {"serve", "a", "--log-level", "loud"},
      {"explain", "GET"},
      {"explain", "GET", "x", "a"},
      {"explain", "G T", "/", "a"},
      {"explain", "GET", "/", "a", "-H", "nothing"},
      {"status", "--admin", "https://x"},
      {"status", "--admin", "http://x/y"},
      {"status", "--admin", ""},
      {"worker"},
      {"nonsense"},
  };
  for (const auto& line : lines) {
    const auto parsed = parse(line);
    std::string words;
    for (const auto& word : line) words += word + " ";
    EXPECT_EQ(parsed.exit_code(), 2) << words;
    EXPECT_FALSE(parsed.err.empty()) << words;
    EXPECT_TRUE(parsed.out.empty()) << words;
  }
}

TEST(CommandLine, ComparesInFourWays) {
  const auto route =
      parse({"compare", TANDEM_SOURCE_DIR "/config/tandem.json", "fib", "--slo", "p99=20ms"}).as<CompareCommand>();
  EXPECT_EQ(route.route, "fib");
  EXPECT_EQ(route.plan.pairs, 8U);
  EXPECT_EQ(route.plan.goal->quantile, 0.99);
  EXPECT_EQ(route.plan.goal->limit, Milliseconds(20));
  const auto suite = parse({"compare", "--suite", TANDEM_SOURCE_DIR "/config/tandem.json"}).as<CompareCommand>();
  EXPECT_TRUE(suite.is_suite);
  EXPECT_EQ(suite.plan.pairs, 6U);
  EXPECT_EQ(suite.plan.block, std::chrono::seconds(1));
  const auto running = parse({"compare", "--url", "http://127.0.0.1:8080/fib/20", "--arms", "py,cpp"}).as<CompareCommand>();
  EXPECT_EQ(running.control, "py");
  EXPECT_EQ(running.candidate, "cpp");
  EXPECT_EQ(running.admin, "http://127.0.0.1:9090");
  const auto any = parse({"compare", "--a", "http://127.0.0.1:1/x", "--b", "http://127.0.0.1:2", "--fail-if", "p99>1.2"})
                       .as<CompareCommand>();
  EXPECT_EQ(any.url_b, "http://127.0.0.1:2");
  EXPECT_EQ(any.fail_if.size(), 1U);
}

TEST(CommandLine, RefusesComparisonsThatMakeNoSense) {
  const std::vector<std::vector<std::string>> lines = {
      {},
      {"--a", "http://x"},
      {"--a", "http://x/1", "--b", "http://y/2"},
      {"--url", "http://x", "--suite"},
      {"--url", "http://x", "--a", "http://x", "--b", "http://y"},
      {"--suite", TANDEM_SOURCE_DIR "/config/tandem.json", "fib"},
      {"--url", "http://x", "--slo", "p99"},
      {"--url", "http://x", "--slo", "99=20ms"},
      {"--url", "http://x", "--slo", "p100=20ms"},
      {"--url", "http://x", "--arms", "py"},
      {"--url", "http://x", "--fail-if", "p42>1"},
      {"--url", "http://x", "--blocks", "25"},
      {"--url", "http://x", "--rate", "-1"},
      {"--url", "http://x", "--duration", "0"},
      {"--url", "http://x", "--arrivals", "bursts"},
      {"--url", "http://x", "--json", "--md"},
  };
  for (auto line : lines) {
    line.insert(line.begin(), "compare");
    std::string words;
    for (const auto& word : line) words += word + " ";
    const auto parsed = parse(line);
    EXPECT_EQ(parsed.exit_code(), 2) << words;
    EXPECT_FALSE(parsed.err.empty()) << words;
  }
}

TEST(CommandLine, SuggestsTheNearestCommand) {
  EXPECT_NE(parse({"sevre"}).err.find("did you mean \"serve\"?"), std::string::npos);
  EXPECT_NE(parse({"serve", "a", "--log-level", "wran"}).err.find("did you mean \"warn\"?"), std::string::npos);
}

TEST(CommandLine, ReadsTheProcessEnvironment) {
  setenv("TANDEM_TEST_VARIABLE", "x", 1);
  EXPECT_EQ(process_environment()("TANDEM_TEST_VARIABLE"), "x");
  EXPECT_EQ(process_environment()("TANDEM_TEST_NO_SUCH_VARIABLE"), std::nullopt);
}

}  // namespace
}  // namespace tandem::app
