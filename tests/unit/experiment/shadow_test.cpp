#include "experiment/shadow.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "experiment/kept_body.hpp"

namespace tandem::experiment {
namespace {

class Endpoint final : public service::Handler {
 public:
  service::Outcome handle(http::Request& request, service::Call& call) const override {
    EXPECT_FALSE(is_busy) << call.arm << " was run while a live request waited for it";
    ++calls;
    fields.clear();
    for (const auto& field : request.headers) fields.emplace_back(field.name);
    if (on_call) on_call();
    return http::Response(200);
  }
  bool is_backed_up() const override { return is_busy; }

  std::function<void()> on_call;
  mutable bool is_busy = false;
  mutable int calls = 0;
  mutable std::vector<std::string> fields;
};

// Shadows on a loop that runs when the test says so.
class ShadowTest : public testing::Test {
 protected:
  ShadowTest() {
    call_.table = std::make_shared<int>();
    plan_.rules = std::make_shared<const comparison::Rules>(*comparison::Rules::make({}));
    plan_.arms.resize(2);
    plan_.arms[0].name = "old";
    plan_.arms[0].handler = &control_;
    plan_.arms[1].name = "new";
    plan_.arms[1].handler = &candidate_;
    plan_.candidate = 1;
    plan_.settings.noise = 0;
    plan_.settings.cpu_budget = 1000;
  }

  // A request that control is about to answer.
  std::shared_ptr<ShadowJob> consider() {
    http::Request request;
    KeptBody body("");
    request.body = &body;
    request.method_text = "GET";
    request.headers.add(http::Field::other, "X-User", "bob");
    request.headers.add(http::Field::other, "Authorization", "secret");
    request.headers.add(http::Field::tandem_arm, "Tandem-Arm", "old");
    return shadow_->consider(plan_, plan_.control, request, call_);
  }
  void answer(const std::shared_ptr<ShadowJob>& job) {
    (void)job->watch(http::Response(200));
    job->answered(call_);
  }
  void ask(int requests) {
    for (int i = 0; i < requests; ++i) answer(consider());
  }
  // All that can be done now, and what waits for a timer.
  void run() {
    for (int turn = 0; turn < 3; ++turn) {
      loop_.context().restart();
      loop_.context().poll();
      loop_.wheel().advance(now_ += std::chrono::seconds(30));
    }
    loop_.context().restart();
    loop_.context().poll();
  }
  std::uint64_t count(Shadow::Fate fate) const { return shadow_->count(fate); }

  Loop loop_{0};
  TimePoint now_ = loop_.coarse_now();
  service::Peer peer_{.address = "192.0.2.1"};
  service::Call call_{loop_, peer_};
  Endpoint control_, candidate_;
  ShadowPlan plan_;
  std::shared_ptr<Shadow> shadow_ = std::make_shared<Shadow>(1);
};

using Fields = std::vector<std::string>;

TEST_F(ShadowTest, CopiesAllFieldsButThoseOfTheConnectionAndTheSplit) {
  ask(1);
  run();
  EXPECT_EQ(candidate_.fields, (Fields{"X-User", "Authorization"}));
}

TEST_F(ShadowTest, CopiesNoOtherFieldsThanTheChosenOnes) {
  plan_.settings.headers = {"x-user", "tandem-arm"};
  ask(1);
  run();
  EXPECT_EQ(candidate_.fields, Fields{"X-User"});
  plan_.settings.headers.emplace();
  ask(1);
  run();
  EXPECT_EQ(candidate_.fields, Fields{});
  EXPECT_EQ(candidate_.calls, 2);
}

TEST_F(ShadowTest, StandsBackWhileLiveRequestsWaitForTheCandidate) {
  candidate_.is_busy = true;
  ask(3);
  run();
  EXPECT_EQ(candidate_.calls, 0);
  candidate_.is_busy = false;
  run();
  EXPECT_EQ(candidate_.calls, 3);
  EXPECT_EQ(count(Shadow::Fate::done), 3u);
}

TEST_F(ShadowTest, RunsControlAgainOnlyWhileNoLiveRequestWaitsForIt) {
  plan_.settings.noise = 1;
  control_.is_busy = true;
  ask(20);
  run();
  EXPECT_EQ(control_.calls, 0);
  EXPECT_EQ(candidate_.calls, 20) << "the pair itself needs nothing of control";

  control_.is_busy = false;
  ask(20);
  run();
  EXPECT_EQ(control_.calls, 20);

  // Live requests come while the first of the two runs.
  candidate_.on_call = [this] { control_.is_busy = true; };
  control_.on_call = [this] { candidate_.is_busy = true; };
  for (int i = 0; i < 20; ++i) {
    ask(1);
    run();
    candidate_.is_busy = control_.is_busy = false;
  }
  run();
  candidate_.is_busy = control_.is_busy = false;
  candidate_.on_call = control_.on_call = nullptr;
  run();
  EXPECT_EQ(candidate_.calls, 60);
  EXPECT_EQ(count(Shadow::Fate::done), 60u);
}

TEST_F(ShadowTest, WhatIsBeingAnsweredDuringARollbackGetsNoShadow) {
  const auto first = consider(), second = consider();
  shadow_->set_running(false);
  answer(first);
  run();
  shadow_->set_running(true);
  answer(second);
  run();
  EXPECT_EQ(candidate_.calls, 0);
  EXPECT_EQ(count(Shadow::Fate::draining), 2u);
  ask(1);
  run();
  EXPECT_EQ(candidate_.calls, 1);
}

TEST_F(ShadowTest, WhatIsDroppedIsNoErrorOfTheCandidate) {
  candidate_.on_call = [this] { shadow_->set_running(false); };
  ask(2);
  run();
  EXPECT_EQ(candidate_.calls, 1);
  EXPECT_EQ(count(Shadow::Fate::error), 0u);
  EXPECT_EQ(count(Shadow::Fate::draining) + count(Shadow::Fate::done), 2u);
}

// A timer of the loop would have to be disarmed on its thread.
TEST_F(ShadowTest, MayEndOnAnyThreadOnceItWasDropped) {
  candidate_.is_busy = true;
  ask(1);
  loop_.context().poll();  // it stands back for a moment
  shadow_->stop();
  loop_.context().restart();
  loop_.context().poll();
  const std::weak_ptr<Shadow> ended = shadow_;
  std::thread([this] { shadow_.reset(); }).join();
  EXPECT_TRUE(ended.expired());
  loop_.wheel().advance(now_ + std::chrono::seconds(30));
}

}  // namespace
}  // namespace tandem::experiment
