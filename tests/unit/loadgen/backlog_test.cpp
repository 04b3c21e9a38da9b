#include "loadgen/backlog.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace tandem::loadgen {
namespace {

constexpr double kRate = 200;

Nanoseconds seconds(double value) { return Nanoseconds(static_cast<Nanoseconds::rep>(value * 1e9)); }

// A made-up server: when a request that came at that second is done. Both in seconds from the beginning of the washout.
using Done = std::function<double(double)>;

double kept_up(double washout, double duration, const Done& done, double rate = kRate) {
  struct Event {
    double at;
    bool is_coming;
  };
  std::vector<Event> events;
  double quickest = 1e9;
  for (int i = 0; i < (washout + duration) * rate; ++i) {
    const double at = i / rate, end = done(at);
    events.push_back({at, true});
    events.push_back({end, false});
    quickest = std::min(quickest, end - at);
  }
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
  const TimePoint start{};
  Backlog backlog(start + seconds(washout), seconds(duration));
  for (const auto& event : events)
    event.is_coming ? backlog.came(start + seconds(event.at)) : backlog.went(start + seconds(event.at));
  backlog.look(start + seconds(washout + duration));
  return backlog.kept_up(rate, seconds(quickest));
}

// One at a time, so many a second.
Done one_at_a_time(double rate) {
  return [rate, free = 0.0](double at) mutable { return free = std::max(free, at) + 1 / rate; };
}

// Answers at once, but not while it is frozen: from `phase` on for `freeze` of every `period`.
Done freezing(double freeze, double period, double phase) {
  return [=](double at) {
    double into = at - phase;
    while (into < 0) into += period;
    while (into >= period) into -= period;
    return into < freeze ? at + freeze - into : at + 1e-4;
  };
}

TEST(Backlog, AServerThatKeepsUpDoes) {
  EXPECT_EQ(kept_up(2, 10, one_at_a_time(2000)), 1);
  EXPECT_EQ(kept_up(2, 10, one_at_a_time(201)), 1);
}

// Time-outs of 10 s would let all of them be answered in the end.
TEST(Backlog, OverloadIsSeenWhateverIsAnsweredAfterwards) {
  EXPECT_NEAR(kept_up(2, 10, one_at_a_time(120)), 0.6, 0.01);
  EXPECT_NEAR(kept_up(2, 10, one_at_a_time(190)), 0.95, 0.01);
  EXPECT_NEAR(kept_up(0.2, 1, one_at_a_time(120)), 0.6, 0.03);
}

TEST(Backlog, SlownessIsNoOverload) {
  EXPECT_EQ(kept_up(0.2, 1, [](double at) { return at + 0.05; }), 1);
  EXPECT_EQ(kept_up(0.2, 1, [](double at) { return at + 0.45; }), 1);
  // Longer than the block: it only begins to have as many open as it always will.
  EXPECT_EQ(kept_up(0.2, 1, [](double at) { return at + 3; }), 1);
}

// experiments.md §7.12, wherever in the block the freezes are: at its end, in its middle, at its beginning.
TEST(Backlog, AFreezeIsNoOverload) {
  for (double phase = 0; phase < 2.5; phase += 0.05) EXPECT_EQ(kept_up(0, 5, freezing(0.5, 2.5, phase)), 1) << phase;
  for (double phase = 0; phase < 5; phase += 0.1) EXPECT_EQ(kept_up(2, 10, freezing(1, 5, phase)), 1) << phase;
}

TEST(Backlog, NothingIsAllThatWasAsked) {
  const Backlog none(TimePoint{}, seconds(1));
  EXPECT_EQ(none.kept_up(100, Nanoseconds{0}), 1);
}

}  // namespace
}  // namespace tandem::loadgen
