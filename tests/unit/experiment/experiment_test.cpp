#include "experiment/experiment.hpp"

#include <gtest/gtest.h>

namespace tandem::experiment {
namespace {

Settings settings() {
  Settings settings;
  settings.id = settings.salt = "port";
  settings.arms = {{"py", 9000}, {"cpp", 1000}};
  settings.control = "py";
  return settings;
}

TEST(Experiment, LoopsSeeANewLayoutAndKeepTheirOwn) {
  LayoutOrder order;
  order.weights_bp = {9000, 1000};
  const auto first = make_layout(order, nullptr);
  Experiment experiment(settings(), first, 2, nullptr);
  const Loop one(0), two(1);
  EXPECT_EQ(&experiment.layout(one), first.get());
  order.weights_bp = {5000, 5000};
  const auto second = make_layout(order, first.get());
  experiment.set_layout(second);
  EXPECT_EQ(&experiment.layout(one), second.get());
  EXPECT_EQ(&experiment.layout(two), second.get());
  EXPECT_EQ(experiment.layout(), second);
  EXPECT_EQ(first.use_count(), 1);
}

TEST(Experiment, ReadsTheCpuTimeOfOneRequestInSoMany) {
  LayoutOrder order;
  order.weights_bp = {9000, 1000};
  Experiment experiment(settings(), make_layout(order, nullptr), 1, nullptr);
  const Loop loop(0);
  int wanted = 0;
  for (int i = 0; i < 160; ++i) wanted += experiment.wants_cpu(loop, 16);
  EXPECT_EQ(wanted, 10);
}

TEST(Experiment, ANewLayoutForgivesABreaker) {
  LayoutOrder order;
  order.weights_bp = {9000, 1000};
  const auto layout = make_layout(order, nullptr);
  Experiment experiment(settings(), layout, 1, nullptr);
  auto& breaker = experiment.breaker(1);
  TimePoint now{std::chrono::seconds(1000)};
  for (int i = 0; i < 10; ++i) breaker.record(0, Breaker::Admission::yes, Breaker::Result::failed, now);
  for (int trip = 0; trip < 2; ++trip) {
    now += std::chrono::seconds(30);
    breaker.record(0, breaker.admit(now), Breaker::Result::failed, now);
  }
  ASSERT_EQ(breaker.state(), Breaker::State::given_up);
  std::string told;
  experiment.on_give_up([&](std::string_view arm, const std::string& why) { told = std::string(arm) + ": " + why; });
  experiment.give_up(1, "why");
  EXPECT_EQ(told, "cpp: why");
  experiment.set_layout(make_layout(order, layout.get()));
  EXPECT_EQ(breaker.state(), Breaker::State::closed);
}

}  // namespace
}  // namespace tandem::experiment
