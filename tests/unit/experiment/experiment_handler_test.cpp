#include "experiment/experiment_handler.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <stdexcept>

#include "experiment/kept_body.hpp"

namespace tandem::experiment {
namespace {

using service::AssignedBy;

class Scripted final : public service::Handler {
 public:
  service::Outcome handle(http::Request&, service::Call&) const override {
    ++calls;
    if (throws) throw std::runtime_error("no");
    if (later) return answer_later();
    return http::Response(status);
  }
  Task<http::Response> answer_later() const {
    if (throws_later) throw std::runtime_error("no");
    co_return http::Response(status);
  }

  int status = 200;
  bool throws = false, later = false, throws_later = false;
  mutable int calls = 0;
};

class FakeClock final : public Clock {
 public:
  TimePoint now() const override { return {}; }
  std::chrono::system_clock::time_point wall() const override { return std::chrono::system_clock::time_point(since); }
  Milliseconds since{0};
};

// Runs a task that suspends nowhere.
struct Runner {
  struct promise_type {
    Runner get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };
};
Runner run(Task<http::Response> task, std::optional<http::Response>& response) {
  auto answer = co_await task;
  response.emplace(std::move(answer));
}

class ExperimentHandlerTest : public testing::Test {
 protected:
  ExperimentHandlerTest() {
    settings_.id = settings_.salt = "port";
    settings_.arms = {{"py", 5000}, {"cpp", 5000}};
    settings_.control = "py";
    settings_.key = {{KeySource::Kind::header, "x-user", 32, 128, "header:x-user"}};
  }

  struct Served {
    int status;
    std::string arm;
    service::Trial trial;
    std::string fields;
    bool denied;
  };

  Served serve(const std::string& user, const std::string& pin = {}, http::Method method = http::Method::get) {
    if (!handler_) make();
    http::Request request;
    KeptBody body("");
    request.body = &body;
    request.method = method;
    if (!user.empty()) request.headers.add(http::Field::other, "X-User", user);
    if (!pin.empty()) request.headers.add(http::Field::tandem_arm, "Tandem-Arm", pin);
    service::Call call(loop_, peer_);
    auto outcome = handler_->handle(request, call);
    std::optional<http::Response> response;
    if (outcome.ready())
      response.emplace(std::move(outcome.response()));
    else
      run(std::move(outcome.task()), response);
    return {response->status, std::string(call.arm), call.trial, call.twin_fields, call.pin_denied};
  }

  void make() {
    std::vector<Arm> arms(2);
    arms[0].name = "py";
    arms[0].backend = "python";
    arms[0].handler = &control_;
    arms[1].name = "cpp";
    arms[1].backend = "native";
    arms[1].handler = &candidate_;
    experiment_ = begin_experiment(settings_, 1, nullptr);
    handler_.emplace(std::move(arms), PinRule(PinPolicy::open, ""), settings_, experiment_, clock_);
  }

  // A user of that arm.
  static std::string user_of(bool candidate) {
    const KeyHash hash("assign", "port");
    for (int i = 0;; ++i)
      if (const auto user = "u" + std::to_string(i); (bucket_of(hash(user)) >= 5000) == candidate) return user;
  }

  Loop loop_{0};
  service::Peer peer_{.address = "192.0.2.1"};
  Scripted control_, candidate_;
  FakeClock clock_;
  Settings settings_;
  std::shared_ptr<Experiment> experiment_;
  std::optional<ExperimentHandler> handler_;
};

TEST_F(ExperimentHandlerTest, NotesWhatTheStatisticsNeed) {
  settings_.shadow.emplace();
  const auto served = serve(user_of(true));
  EXPECT_EQ(served.arm, "cpp");
  EXPECT_EQ(served.trial.arm, 1);
  EXPECT_EQ(served.trial.assigned_by, AssignedBy::hash);
  EXPECT_EQ(served.trial.epoch, 1u);
  EXPECT_TRUE(served.trial.has_key);
  EXPECT_TRUE(served.trial.is_analysed);
  EXPECT_EQ(served.trial.cluster, KeyHash("cluster", "port")(user_of(true)));
  EXPECT_EQ(served.trial.shadow, KeyHash("shadow", "port")(user_of(true)));
  EXPECT_FALSE(serve("").trial.has_key);
}

TEST_F(ExperimentHandlerTest, APinIsInNoStatistics) {
  const auto served = serve(user_of(false), "cpp");
  EXPECT_EQ(served.arm, "cpp");
  EXPECT_EQ(served.trial.recorder, nullptr);
  EXPECT_EQ(served.trial.assigned_by, AssignedBy::pin);
  EXPECT_FALSE(served.trial.is_analysed);
  const auto unknown = serve(user_of(false), "rust");
  EXPECT_TRUE(unknown.denied);
  EXPECT_EQ(unknown.arm, "py");
}

TEST_F(ExperimentHandlerTest, ANewLayoutMovesOnlyTheKeysOfTheDifference) {
  make();
  LayoutOrder order;
  order.weights_bp = {9000, 1000};
  experiment_->set_layout(make_layout(order, nullptr));
  std::map<std::string, std::string> before;
  for (int i = 0; i < 2000; ++i) before["k" + std::to_string(i)] = serve("k" + std::to_string(i)).arm;
  order.weights_bp = {7000, 3000};
  experiment_->set_layout(make_layout(order, nullptr));
  int moved = 0;
  for (const auto& [user, arm] : before) {
    const auto now = serve(user).arm;
    EXPECT_TRUE(arm == "py" || now == "cpp") << user;
    moved += now != arm;
  }
  EXPECT_NEAR(moved, 400, 90);  // a fifth, five standard deviations
}

TEST_F(ExperimentHandlerTest, ARollbackSendsEverybodyToControl) {
  make();
  LayoutOrder order;
  order.weights_bp = {5000, 5000};
  order.state = State::rolled_back;
  experiment_->set_layout(make_layout(order, nullptr));
  const auto served = serve(user_of(true));
  EXPECT_EQ(served.arm, "py");
  EXPECT_EQ(served.trial.assigned_by, AssignedBy::rollback);
}

TEST_F(ExperimentHandlerTest, ControlAnswersForACandidateThatFailsInAnyWay) {
  settings_.fallback = true;
  settings_.expose = Expose::all;
  const auto expect_fallback = [&](int status) {
    const auto served = serve(user_of(true));
    EXPECT_EQ(served.status, 200);
    EXPECT_EQ(served.arm, "py");
    EXPECT_EQ(served.trial.arm, 1);  // it stays the candidate's request
    EXPECT_TRUE(served.trial.fell_back);
    EXPECT_EQ(served.trial.status, status);
    EXPECT_EQ(served.fields, "Tandem-Backend: python\r\nTandem-Experiment: port;rev=1\r\nTandem-Assigned-By: fallback\r\n");
  };
  candidate_.status = 503;
  expect_fallback(503);
  candidate_.later = true;
  expect_fallback(503);
  candidate_.throws_later = true;
  expect_fallback(500);
  candidate_.throws = true;
  expect_fallback(500);
  control_.later = true;
  expect_fallback(500);
}

TEST_F(ExperimentHandlerTest, OnlyWhatMayRunTwiceFallsBack) {
  settings_.fallback = true;
  candidate_.status = 500;
  EXPECT_EQ(serve(user_of(true), "", http::Method::post).status, 500);
  EXPECT_EQ(serve(user_of(true), "cpp").status, 500);  // a pin asks for the arm as it is
  candidate_.status = 404;
  EXPECT_EQ(serve(user_of(true)).status, 404);
  candidate_.status = http::kClientGone;
  EXPECT_FALSE(serve(user_of(true)).trial.fell_back);
}

TEST_F(ExperimentHandlerTest, WithoutFallbackAnExceptionTravelsOn) {
  candidate_.throws = true;
  EXPECT_THROW(serve(user_of(true)), std::runtime_error);
}

TEST_F(ExperimentHandlerTest, TheBreakerKeepsRequestsFromACandidateThatFails) {
  candidate_.status = 500;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(serve(user_of(true)).status, 500);
  const auto served = serve(user_of(true));
  EXPECT_EQ(served.status, 200);
  EXPECT_EQ(served.arm, "py");
  EXPECT_EQ(served.trial.assigned_by, AssignedBy::fallback);
  EXPECT_EQ(served.trial.recorder, nullptr);
  EXPECT_EQ(candidate_.calls, 10);
}

TEST_F(ExperimentHandlerTest, AControlThatFailsGoesOn) {
  control_.status = 500;
  for (int i = 0; i < 20; ++i) {
    const auto served = serve(user_of(false));
    EXPECT_EQ(served.status, 500);
    EXPECT_EQ(served.trial.assigned_by, AssignedBy::hash);
    EXPECT_FALSE(served.trial.fell_back);
  }
  EXPECT_EQ(control_.calls, 20);
  EXPECT_EQ(experiment_->breaker(0).state(), Breaker::State::closed);
  control_.throws = true;
  EXPECT_THROW(serve(user_of(false)), std::runtime_error);
}

TEST_F(ExperimentHandlerTest, SwitchbackTakesTurnsByTheClock) {
  settings_.assign = Assign::switchback;
  std::map<std::string, int> turns;
  for (int block = 0; block < 100; ++block) {
    clock_.since = settings_.block * block;
    EXPECT_FALSE(serve("bob").trial.is_analysed);  // washout
    clock_.since += settings_.washout;
    const auto served = serve("bob");
    EXPECT_TRUE(served.trial.is_analysed);
    ++turns[served.arm];
  }
  EXPECT_EQ(turns["py"], 50);
  EXPECT_EQ(turns["cpp"], 50);
}

}  // namespace
}  // namespace tandem::experiment
