#include "benchmark/contest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "support/peer_server.hpp"

namespace tandem::benchmark {
namespace {

using test::PeerServer;
using test::plain_answer;
using namespace std::chrono_literals;

const std::atomic<bool> kNobodyStops{false};

Opponent opponent(const std::string& name, const PeerServer& server) {
  Opponent one;
  one.subject.name = name;
  one.subject.url = server.url();
  one.address = *loadgen::resolve(*loadgen::parse_target(server.url()));
  one.host = "peer";
  return one;
}

Orders orders_of(const PeerServer& control, const PeerServer& candidate, const std::vector<std::string>& targets) {
  Orders orders(*comparison::Rules::make({}), kNobodyStops);
  orders.title = "peers";
  orders.control = opponent("a", control);
  orders.candidate = opponent("b", candidate);
  for (const auto& target : targets) orders.requests.push_back({"GET", target, {}, ""});
  orders.plan.rate = 100;
  orders.plan.arrivals = Arrivals::constant;
  orders.plan.connections = 1;  // in the order in which they are due
  orders.plan.pairs = 2;
  orders.plan.calibration_pairs = 0;
  orders.plan.block = 100ms;
  orders.plan.washout = Nanoseconds{0};
  orders.plan.timeout = 5s;
  return orders;
}

// A peer that notes what it is asked.
struct Noting {
  std::string seen;
  PeerServer server{[this](const std::string& head) {
    seen += head[5];
    return plain_answer("hello");
  }};
};

TEST(Contest, BothOfAPairGetTheSameRequestsInTheSameOrder) {
  Noting control, candidate;
  control.server.start();
  candidate.server.start();
  auto orders = orders_of(control.server, candidate.server, {"/a", "/b", "/c"});
  orders.plan.calibration_pairs = 1;
  ASSERT_TRUE(hold(orders));
  // Looked at once, and each request twice; then control's calibration.
  const std::size_t checked = 1 + 2 * 3, block = 10;
  ASSERT_EQ(candidate.seen.size(), checked + 2 * block);
  EXPECT_EQ(control.seen.substr(checked + 2 * block), candidate.seen.substr(checked));
  EXPECT_EQ(control.seen.substr(checked, block), control.seen.substr(checked + block, block));
  // The second pair goes on where the first ended.
  EXPECT_EQ(candidate.seen.substr(checked), "abcabcabcabcabcabcab");
}

TEST(Contest, BodiesThatTellTheTimeAreNotExpectedAgain) {
  const auto clock = [](const std::string&) {
    return plain_answer(std::to_string(std::chrono::steady_clock::now().time_since_epoch() / 1s));
  };
  PeerServer control(clock), candidate(clock);
  control.start();
  candidate.start();
  auto orders = orders_of(control, candidate, {"/"});
  orders.plan.block = 1200ms;
  orders.plan.pairs = 1;
  const auto run = hold(orders);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->answers->unstable, 1U);
  for (const auto& block : run->blocks) EXPECT_EQ(block.wrong_body, 0U);
}

TEST(Contest, AskingAServerForItsCostIsNotItsRequestsCost) {
  PeerServer peer([](const std::string&) { return plain_answer("hello"); });
  peer.start();
  auto orders = orders_of(peer, peer, {"/"});
  double used = 0;
  const auto cost = [&used]() -> std::optional<Cost> { return Cost{used += 0.002, 1e6}; };
  orders.control.cost = orders.candidate.cost = cost;
  const auto run = hold(orders);
  ASSERT_TRUE(run);
  EXPECT_NEAR(run->idle_cpu[0], 0, 1e-9);
  for (const auto& block : run->blocks) EXPECT_NEAR(block.server_cpu_seconds, 0, 1e-9);
}

// Answers 503 at once to what is more than ten in a tenth of a second.
class Shedding {
 public:
  std::string answer() {
    const auto tenth = std::chrono::steady_clock::now().time_since_epoch() / 100ms;
    count_ = tenth == tenth_ ? count_ + 1 : 1;
    tenth_ = tenth;
    return count_ <= 10 ? plain_answer("hello") : plain_answer("queue full", 503);
  }

 private:
  std::int64_t tenth_ = 0;
  unsigned count_ = 0;
};

Goal goal() { return {0.99, 2s, "p99=2s"}; }

TEST(Contest, TurningRequestsAwayKeepsNoGoal) {
  Shedding control, candidate;
  PeerServer a([&](const std::string&) { return control.answer(); }),
      b([&](const std::string&) { return candidate.answer(); });
  a.start();
  b.start();
  auto orders = orders_of(a, b, {"/"});
  orders.plan.rate = 40;
  orders.plan.pairs = 0;
  orders.plan.block = 300ms;
  orders.plan.goal = goal();
  const auto run = hold(orders);
  ASSERT_TRUE(run);
  for (const auto& capacity : {run->capacity_control, run->capacity_candidate}) {
    ASSERT_TRUE(capacity);
    EXPECT_LT(capacity->rate, 200);
    const auto& steps = capacity->steps;
    EXPECT_TRUE(std::any_of(steps.begin(), steps.end(), [](const CapacityStep& step) {
      return !step.is_kept && step.why.find("wrong status") != std::string::npos;
    }));
  }
}

TEST(Contest, AServerThatIsNeverConfirmedEndsTheSearch) {
  std::atomic<bool> is_again{false};
  PeerServer peer([&](const std::string&) { return is_again ? plain_answer("busy", 503) : plain_answer("hello"); });
  peer.start();
  auto orders = orders_of(peer, peer, {"/"});
  orders.plan.rate = 300'000;  // more than can be
  orders.plan.pairs = 0;
  orders.plan.block = 20ms;
  orders.plan.goal = goal();
  std::vector<Progress> told;
  orders.tell = [&](const Progress& progress) {
    is_again = progress.doing.find(", again") != std::string::npos;
    if (progress.doing.find("capacity") != std::string::npos) told.push_back(progress);
  };
  const auto run = hold(orders);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->capacity_control->rate, 0);
  EXPECT_LE(run->capacity_control->steps.size(), 1U + 5 + 5);
  // The bar is not at its end while there is much to come.
  EXPECT_GT(told.front().left, Nanoseconds{0});
  EXPECT_TRUE(std::all_of(told.begin(), told.end(), [](const Progress& one) { return one.share < 1; }));
}

}  // namespace
}  // namespace tandem::benchmark
