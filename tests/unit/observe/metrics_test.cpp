#include "observe/metrics.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <thread>

namespace tandem::observe {
namespace {

using namespace std::chrono_literals;

Exchange exchange(int status, Nanoseconds total) {
  Exchange made;
  made.status = status;
  made.total = total;
  return made;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

// The names of the # TYPE lines, in order.
std::vector<std::string> types(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("# TYPE ")) names.push_back(line.substr(7, line.find(' ', 7) - 7));
  return names;
}

TEST(ArmMetrics, SumsOverTheShards) {
  ArmMetrics arm("/json", "cpp", "native", 3);
  arm.record(0, exchange(200, 1ms));
  arm.record(1, exchange(204, 3ms));
  auto failed = exchange(500, 2ms);
  failed.cpu = 40us;
  failed.stages[static_cast<std::size_t>(Stage::queue)] = 1ms;
  arm.record(1, failed);
  arm.record(0, exchange(499, 0ms));
  const std::array<std::uint64_t, 6> expected = {0, 0, 2, 0, 1, 1};
  EXPECT_EQ(arm.requests_by_class(), expected);
  EXPECT_EQ(arm.total().count, 4u);
  EXPECT_EQ(arm.total().sum_ns, 6'000'000u);
  EXPECT_EQ(arm.cpu(), Nanoseconds(40us));
  EXPECT_EQ(arm.stage(Stage::queue).count, 1u);
  EXPECT_EQ(arm.stage(Stage::gil).count, 0u);
}

TEST(ArmMetrics, AStatusThatIsNoneCountsAsAServerError) {
  ArmMetrics arm("/", "", "native", 1);
  arm.record(0, exchange(0, 1ms));
  arm.record(0, exchange(999, 1ms));
  EXPECT_EQ(arm.requests_by_class()[5], 2u);
}

TEST(ArmMetrics, RequestsOfAnExperimentSayWhoAssignedThem) {
  Registry registry(1);
  auto& arm = registry.arm("/fib", "cpp", "native");
  const std::string plain = "tandem_requests_total{route=\"/fib\",arm=\"cpp\",backend=\"native\",code=\"2xx\"} ";
  EXPECT_TRUE(has_line(registry.prometheus_text(), plain + "0"));
  for (const auto by : {AssignedBy::hash, AssignedBy::hash, AssignedBy::pin}) {
    auto one = exchange(200, 1ms);
    one.assigned_by = by;
    arm.record(0, one);
  }
  const auto text = registry.prometheus_text();
  EXPECT_EQ(text.find(plain), std::string::npos) << "another series with the same requests would count them twice";
  EXPECT_TRUE(
      has_line(text,
               "tandem_requests_total{route=\"/fib\",arm=\"cpp\",backend=\"native\",assigned_by=\"hash\",code=\"2xx\"} "
               "2"));
  EXPECT_TRUE(has_line(
      text, "tandem_requests_total{route=\"/fib\",arm=\"cpp\",backend=\"native\",assigned_by=\"hash\",code=\"5xx\"} 0"));
  EXPECT_TRUE(has_line(
      text, "tandem_requests_total{route=\"/fib\",arm=\"cpp\",backend=\"native\",assigned_by=\"override\",code=\"2xx\"} 1"));
  EXPECT_EQ(text.find("assigned_by=\"rollback\""), std::string::npos);
  EXPECT_EQ(arm.requests_by_class()[2], 3u);
}

TEST(Counter, CountsUpAndDownInEveryShard) {
  Counter counter(3);
  counter.add(0, 5);
  counter.add(1, -2);
  counter.add(2);
  EXPECT_EQ(counter.value(), 4);
}

TEST(Counter, TheSharedShardHasManyWriters) {
  Registry registry(1);
  auto& counter = registry.counter("c_total", "c", "");
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i)
    writers.emplace_back([&] {
      for (int n = 0; n < 10000; ++n) counter.add(registry.shared_shard());
    });
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(counter.value(), 40000);
}

TEST(Registry, GivesTheSameArmAgain) {
  Registry registry(2);
  EXPECT_EQ(&registry.arm("/a", "x", "native"), &registry.arm("/a", "x", "native"));
  EXPECT_NE(&registry.arm("/a", "x", "native"), &registry.arm("/a", "x", "python"));
  EXPECT_EQ(&registry.counter("f", "h", "a=\"1\""), &registry.counter("f", "h", "a=\"1\""));
  EXPECT_NE(&registry.counter("f", "h", "a=\"1\""), &registry.counter("f", "h", "a=\"2\""));
}

TEST(Registry, ShowsRequestsByRouteArmBackendAndClass) {
  Registry registry(1);
  registry.arm("/a\"b", "cpp", "native").record(0, exchange(200, 1ms));
  const auto text = registry.prometheus_text();
  EXPECT_TRUE(has_line(text, R"(tandem_requests_total{route="/a\"b",arm="cpp",backend="native",code="2xx"} 1)")) << text;
  EXPECT_TRUE(has_line(text, R"(tandem_requests_total{route="/a\"b",arm="cpp",backend="native",code="5xx"} 0)"));
  EXPECT_EQ(text.find("1xx"), std::string::npos);
  EXPECT_TRUE(has_line(text, R"(tandem_request_seconds_bucket{route="/a\"b",arm="cpp",le="0.001048576"} 1)"));
  EXPECT_TRUE(has_line(text, R"(tandem_request_seconds_bucket{route="/a\"b",arm="cpp",le="0.000917504"} 0)"));
  EXPECT_TRUE(has_line(text, R"(tandem_request_seconds_sum{route="/a\"b",arm="cpp"} 0.001)"));
  EXPECT_TRUE(has_line(text, R"(tandem_cpu_seconds_total{route="/a\"b",arm="cpp"} 0)"));
}

TEST(Registry, ShowsOnlyStagesThatWereMeasured) {
  Registry registry(1);
  auto measured = exchange(200, 1ms);
  measured.stages[static_cast<std::size_t>(Stage::gil)] = 5us;
  registry.arm("/a", "py", "python").record(0, measured);
  const auto text = registry.prometheus_text();
  EXPECT_TRUE(has_line(text, R"(tandem_stage_seconds_count{route="/a",arm="py",stage="gil"} 1)"));
  EXPECT_EQ(text.find("stage=\"write\""), std::string::npos);
}

// A reload may give an arm another backend: one series must not appear twice.
TEST(Registry, FamiliesWithoutTheBackendSumOverBackends) {
  Registry registry(1);
  registry.arm("/a", "x", "native").record(0, exchange(200, 1ms));
  registry.arm("/b", "x", "native").record(0, exchange(200, 1ms));
  registry.arm("/a", "x", "python").record(0, exchange(200, 2ms));
  const auto text = registry.prometheus_text();
  EXPECT_TRUE(has_line(text, R"(tandem_request_seconds_count{route="/a",arm="x"} 2)")) << text;
  std::set<std::string> series;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("#")) {
      EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
    }
}

TEST(Registry, CountersAreCountersAndTheRestGauges) {
  Registry registry(1);
  registry.counter("tandem_rejected_total", "Refused.", "reason=\"queue_full\"").add(0, 2);
  registry.counter("tandem_connections", "Open.", "").add(0, 7);
  const auto text = registry.prometheus_text();
  EXPECT_TRUE(has_line(text,
                       "# HELP tandem_rejected_total Refused.\n# TYPE tandem_rejected_total counter\n"
                       "tandem_rejected_total{reason=\"queue_full\"} 2"));
  EXPECT_TRUE(has_line(text, "# TYPE tandem_connections gauge\ntandem_connections 7"));
}

TEST(Registry, EveryFamilyHasOneTypeWhateverItsSources) {
  Registry registry(1);
  registry.counter("tandem_rejected_total", "Refused.", "reason=\"queue_full\"");
  const auto pool = [](const std::string& name) {
    return [name](std::string& out) {
      out += "# HELP tandem_python_workers Workers.\n# TYPE tandem_python_workers gauge\ntandem_python_workers{pool=\"" +
             name + "\"} 2\n# TYPE tandem_rejected_total counter\ntandem_rejected_total{reason=\"" + name + "\"} 1\n";
    };
  };
  const auto first = registry.add_source(pool("a"));
  const auto second = registry.add_source(pool("b"));
  const std::vector<std::string> expected = {"tandem_requests_total",    "tandem_request_seconds", "tandem_stage_seconds",
                                             "tandem_cpu_seconds_total", "tandem_rejected_total",  "tandem_python_workers"};
  EXPECT_EQ(types(registry.prometheus_text()), expected);
}

TEST(Registry, ASourceEndsWithItsToken) {
  Registry registry(1);
  auto token = registry.add_source([](std::string& out) { out += "# TYPE gone gauge\ngone 1\n"; });
  EXPECT_TRUE(has_line(registry.prometheus_text(), "gone 1"));
  token.reset();
  EXPECT_EQ(registry.prometheus_text().find("gone"), std::string::npos);
}

TEST(Registry, IsScrapedWhileItIsWritten) {
  Registry registry(2);
  auto& arm = registry.arm("/a", "x", "native");
  std::vector<std::thread> writers;
  for (unsigned shard = 0; shard < 2; ++shard)
    writers.emplace_back([&, shard] {
      auto each = exchange(200, 10us);
      each.stages[0] = 1us;
      for (int i = 0; i < 5000; ++i) arm.record(shard, each);
    });
  for (int i = 0; i < 5; ++i) {
    registry.arm("/" + std::to_string(i), "", "native");
    EXPECT_FALSE(registry.prometheus_text().empty());
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(arm.requests_by_class()[2], 10000u);
  EXPECT_EQ(arm.stage(Stage::queue).count, 10000u);
}

}  // namespace
}  // namespace tandem::observe
