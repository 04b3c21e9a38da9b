#include "experiment/layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tandem::experiment {
namespace {

// Arm 0 is control.
LayoutOrder order(std::vector<unsigned> candidates, Analysis analysis = Analysis::matched, State state = State::running) {
  LayoutOrder order;
  unsigned control = kBuckets;
  for (const auto weight : candidates) control -= weight;
  order.weights_bp = std::move(candidates);
  order.weights_bp.insert(order.weights_bp.begin(), control);
  order.analysis = analysis;
  order.state = state;
  return order;
}

std::shared_ptr<Layout> layout(std::vector<unsigned> candidates) {
  return make_layout(order(std::move(candidates)), nullptr);
}

unsigned count(const Layout& layout, std::size_t arm, bool analysed = false) {
  unsigned owned = 0;
  for (unsigned bucket = 0; bucket < kBuckets; ++bucket)
    owned += layout.owner[bucket] == arm && (!analysed || layout.is_analysed[bucket]);
  return owned;
}

TEST(Layout, GrowsDownwardsFromTheTop) {
  const auto made = layout({3000});
  EXPECT_EQ(describe_buckets(*made, 1), "7000-9999");
  EXPECT_EQ(describe_buckets(*made, 0), "0-6999");
  EXPECT_EQ(describe_buckets(*layout({0}), 1), "");
  EXPECT_EQ(describe_buckets(*layout({10000}), 1), "0-9999");
}

TEST(Layout, GivesEachCandidateASlot) {
  const auto made = layout({100, 200, 300});  // slots of 3333
  EXPECT_EQ(describe_buckets(*made, 1), "9900-9999");
  EXPECT_EQ(describe_buckets(*made, 2), "6467-6666");
  EXPECT_EQ(describe_buckets(*made, 3), "3034-3333");
}

TEST(Layout, LetsACandidateBeyondItsSlotTakeWhatIsFreeFromTheTop) {
  const auto made = layout({1000, 6000});  // the second slot is 0-4999
  EXPECT_EQ(describe_buckets(*made, 1), "9000-9999");
  EXPECT_EQ(describe_buckets(*made, 2), "0-4999,8000-8999");
  for (const auto& weights : {std::vector<unsigned>{9000, 1000}, {10000, 0}, {0, 10000}, {4000, 4000}})
    for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_EQ(count(*layout(weights), i + 1), weights[i]);
}

TEST(Layout, AnalysesAMirrorImageOfTheCandidate) {
  const auto small = layout({300});
  EXPECT_EQ(count(*small, 0, true), 300u);
  EXPECT_EQ(count(*small, 1, true), 300u);
  EXPECT_TRUE(small->is_analysed[299]);
  EXPECT_FALSE(small->is_analysed[300]);
  const auto large = layout({7000});  // what remains of control
  EXPECT_EQ(count(*large, 0, true), 3000u);
  EXPECT_EQ(count(*large, 1, true), 7000u);
  const auto two = layout({100, 400});
  EXPECT_EQ(count(*two, 0, true), 400u);
  EXPECT_EQ(count(*make_layout(order({300}, Analysis::all), nullptr), 0, true), 9700u);
}

TEST(Layout, SendsEverybodyToControlUnlessItRuns) {
  for (const auto state : {State::draft, State::paused, State::rolled_back}) {
    const auto made = make_layout(order({3000}, Analysis::matched, state), nullptr);
    EXPECT_EQ(count(*made, 0), kBuckets);
    EXPECT_EQ(count(*made, 0, true), 0u);
    EXPECT_EQ(made->weights_bp[1], 3000u);
  }
  const auto concluded = make_layout(order({10000}, Analysis::matched, State::concluded), nullptr);
  EXPECT_EQ(count(*concluded, 1), kBuckets);
  EXPECT_EQ(count(*concluded, 1, true), 0u);
}

TEST(Layout, TakesExplicitRangesForTheWeights) {
  auto wanted = order({0, 0});
  wanted.ranges = {{2, 0, 9}, {1, 5000, 5099}};
  const auto made = make_layout(wanted, nullptr);
  EXPECT_EQ(describe_buckets(*made, 1), "5000-5099");
  EXPECT_EQ(describe_buckets(*made, 2), "0-9");
  EXPECT_EQ(made->weights_bp, (std::vector<unsigned>{9890, 100, 10}));
}

// GrowthBook's ranges of two variants that cover half of all, 40 to 60: [0, 0.2) and [0.4, 0.7).
TEST(Layout, ExplicitRangesCanCoverAPart) {
  auto wish = order({0, 0});
  wish.ranges = {{1, 0, 1999}, {2, 4000, 6999}};
  const auto made = make_layout(wish, nullptr);
  EXPECT_EQ(made->weights_bp, (std::vector<unsigned>{5000, 2000, 3000}));
  EXPECT_EQ(describe_buckets(*made, 1), "0-1999");
  EXPECT_EQ(describe_buckets(*made, 2), "4000-6999");
}

TEST(Layout, BeginsAnEpochWhenTheSharesOfWhatIsComparedChange) {
  const auto step = [](std::shared_ptr<Layout> from, LayoutOrder to) { return make_layout(to, from.get()); };
  const auto at_1 = layout({100});
  EXPECT_EQ(at_1->revision, 1u);
  EXPECT_EQ(at_1->epoch, 1u);
  const auto at_50 = step(at_1, order({5000}));
  EXPECT_EQ(at_50->revision, 2u);
  EXPECT_EQ(at_50->epoch, 1u);  // one to one all the way
  const auto at_60 = step(at_50, order({6000}));
  EXPECT_EQ(at_60->epoch, 2u);
  EXPECT_EQ(step(at_60, order({6000}))->epoch, 2u);
  EXPECT_EQ(step(at_60, order({7000}))->epoch, 3u);
  EXPECT_EQ(step(at_60, order({100}))->epoch, 3u);
  const auto paused = step(at_60, order({6000}, Analysis::matched, State::paused));
  EXPECT_EQ(paused->epoch, 3u);
  EXPECT_EQ(step(paused, order({6000}))->epoch, 4u);
  const auto pause_at_1 = step(at_1, order({100}, Analysis::matched, State::paused));
  EXPECT_EQ(step(pause_at_1, order({100}))->epoch, 1u);

  const auto all_at_0 = make_layout(order({0}, Analysis::all), nullptr);
  const auto all_at_50 = step(all_at_0, order({5000}, Analysis::all));
  EXPECT_EQ(all_at_50->epoch, 2u);
  EXPECT_EQ(step(all_at_50, order({4000}, Analysis::all))->epoch, 3u);
}

// With three arms: who joins later was not there for what the others have met before.
TEST(Layout, BeginsAnEpochWhenACandidateJoinsOrLeaves) {
  const auto one_of_two = layout({1000, 0});
  const auto both = make_layout(order({1000, 1000}), one_of_two.get());
  EXPECT_EQ(both->epoch, 2u);
  EXPECT_EQ(make_layout(order({2000, 2000}), both.get())->epoch, 2u);
  EXPECT_EQ(make_layout(order({0, 1000}), both.get())->epoch, 3u);
  const auto nobody = layout({0});
  EXPECT_EQ(make_layout(order({100}), nobody.get())->epoch, 2u);
}

// The promise of ramps: raising one candidate takes buckets of control only, lowering it gives back what it gained last.
TEST(Layout, RampsAreMonotone) {
  std::mt19937 random(7);
  for (int ladder = 0; ladder < 100; ++ladder) {
    const unsigned candidates = 1 + random() % 3, slot = kBuckets / candidates;
    std::vector<unsigned> weights(candidates);
    auto before = layout(weights);
    for (int rung = 0; rung < 20; ++rung) {
      const auto j = random() % candidates;
      const unsigned old = weights[j];
      weights[j] = random() % (slot + 1);
      const auto after = layout(weights);
      unsigned moved = 0;
      for (unsigned bucket = 0; bucket < kBuckets; ++bucket) {
        const auto from = before->owner[bucket], to = after->owner[bucket];
        if (from == to) continue;
        ++moved;
        if (weights[j] > old) {
          ASSERT_EQ(from, 0);
          ASSERT_EQ(to, j + 1);
        } else {
          ASSERT_EQ(from, j + 1);
          ASSERT_EQ(to, 0);
        }
      }
      ASSERT_EQ(moved, weights[j] > old ? weights[j] - old : old - weights[j]);
      before = after;
    }
  }
}

}  // namespace
}  // namespace tandem::experiment
