#include "comparison/tally.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace tandem::comparison {
namespace {

const Signature kRounding{Kind::value, "$.mean", 200, 200};
const Signature kClock{Kind::value, "$.at", 200, 200};

Sample sample_at(std::int64_t unix_ms) {
  return {unix_ms,
          "GET /stats?n=" + std::to_string(unix_ms),
          "id" + std::to_string(unix_ms),
          {{Kind::value, "$.mean", "1", "2"}}};
}

// What one process has seen.
Tally random_tally(unsigned seed, int pairs) {
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return random() % n; };
  Tally tally;
  for (int i = 0; i < pairs; ++i) {
    const auto at = static_cast<std::int64_t>(seed) * 1'000'000 + static_cast<std::int64_t>(below(1000)) * 1000 + i;
    std::vector<Signature> signatures;
    if (below(3) == 0) signatures.push_back(kClock);
    if (below(3) == 0) signatures.push_back(kRounding);
    tally.add_pair(signatures.empty() ? Outcome::match : Outcome::mismatch, signatures, sample_at(at));
    if (below(4) == 0) tally.add_triple(signatures, {kClock}, at);
    if (below(10) == 0) tally.add(Outcome::error);
    const auto shape = "200 $." + std::to_string(below(5));
    tally.saw_shape(shape);
    if (below(2) == 0) tally.covered_shape(shape);
  }
  return tally;
}

TEST(Tally, MergesInAnyOrderToTheSame) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto a = random_tally(3 * seed, 40), b = random_tally(3 * seed + 1, 50), c = random_tally(3 * seed + 2, 60);
    auto left = a;
    left.merge(b);
    left.merge(c);
    auto bc = c;
    bc.merge(b);
    auto right = bc;
    right.merge(a);
    EXPECT_EQ(left.to_json(), right.to_json());
    EXPECT_EQ(left.compared(), a.compared() + b.compared() + c.compared());
  }
}

TEST(Tally, SurvivesTheStateFile) {
  const auto tally = random_tally(1, 100);
  const auto read = Tally::from_json(tally.to_json());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->to_json(), tally.to_json());
}

TEST(Tally, RefusesGarbage) {
  auto text = random_tally(1, 30).to_json();
  for (const std::string& garbage :
       {std::string(), std::string("{}"), std::string("[1]"), text.substr(0, text.size() / 2)}) {
    const auto read = Tally::from_json(garbage);
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().message.find("can't be read"), std::string::npos);
  }
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) {
    auto broken = text;
    broken[random() % broken.size()] = static_cast<char>(random());
    (void)Tally::from_json(broken);  // an error or another tally, never a crash
  }
}

TEST(Tally, CountsTriplesByWhoDiffers) {
  Tally tally;
  tally.add_triple({kRounding}, {}, 1);
  tally.add_triple({kClock, kRounding}, {kClock}, 2);  // found in both: says nothing
  tally.add_triple({}, {kClock}, 3);
  EXPECT_EQ(tally.triples(), 3u);
  EXPECT_EQ(tally.find(kRounding)->candidate_only, 2u);
  EXPECT_EQ(tally.find(kRounding)->control_only, 0u);
  EXPECT_EQ(tally.find(kClock)->control_only, 1u);
}

TEST(Tally, KeepsTheNewestSamples) {
  Tally tally;
  for (int i = 0; i < 50; ++i) tally.add_pair(Outcome::mismatch, {kRounding}, sample_at(i));
  const auto* found = tally.find(kRounding);
  EXPECT_EQ(found->count, 50u);
  EXPECT_EQ((std::pair{found->first_ms, found->last_ms}), (std::pair<std::int64_t, std::int64_t>{0, 49}));
  ASSERT_EQ(found->samples.size(), Finding::kMaxSamples);
  EXPECT_EQ(found->samples.front().unix_ms, 30);
  EXPECT_EQ(found->samples.back().unix_ms, 49);
}

TEST(Tally, KeepsFewerOfLargeSamples) {
  Tally tally;
  auto large = [](std::int64_t at, std::size_t bytes) {
    auto sample = sample_at(at);
    sample.differences.front().path.assign(bytes, 'x');
    return sample;
  };
  for (int i = 0; i < 50; ++i) tally.add_pair(Outcome::mismatch, {kRounding}, large(i, 10'000));
  ASSERT_EQ(tally.find(kRounding)->samples.size(), 3u);
  EXPECT_EQ(tally.find(kRounding)->samples.back().unix_ms, 49);
  tally.add_pair(Outcome::mismatch, {kRounding}, large(50, 2 * Finding::kMaxSampleBytes));
  ASSERT_EQ(tally.find(kRounding)->samples.size(), 1u);
  EXPECT_EQ(tally.find(kRounding)->samples.back().unix_ms, 50);
}

TEST(Tally, IsBoundedAndSaysSo) {
  Tally tally;
  for (int i = 0; i < 2000; ++i) {
    tally.add_pair(Outcome::mismatch, {{Kind::value, "$.m" + std::to_string(i), 200, 200}}, sample_at(i));
    tally.saw_shape("200 $.m" + std::to_string(i));
  }
  EXPECT_EQ(tally.findings().size(), Tally::kMaxFindings);
  EXPECT_EQ(tally.lost_findings(), 2000 - Tally::kMaxFindings);
  EXPECT_EQ(tally.live_shapes(), Tally::kMaxShapes);
  EXPECT_EQ(tally.count(Outcome::mismatch), 2000u);
}

TEST(Tally, CoverageIsOfLiveShapes) {
  Tally tally;
  tally.saw_shape("200 $.a");
  tally.saw_shape("404 $.b");
  tally.covered_shape("200 $.a");
  tally.covered_shape("500 $.c");
  EXPECT_EQ(tally.live_shapes(), 2u);
  EXPECT_EQ(tally.covered_shapes(), 1u);
}

}  // namespace
}  // namespace tandem::comparison
