#include "experiment/comparer.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace tandem::experiment {
namespace {

using comparison::Outcome;
using comparison::Tally;

AnswerPair pair_of(const std::string& control, const std::string& candidate) {
  static const auto rules = std::make_shared<const comparison::Rules>(*comparison::Rules::make({}));
  const auto answer = [](const std::string& body) {
    comparison::Answer one;
    one.status = 200;
    one.headers = {{"content-type", "application/json"}};
    one.append(body);
    return one;
  };
  AnswerPair pair;
  pair.rules = rules;
  pair.candidate = "new";
  pair.of_control = answer(control);
  pair.of_candidate = answer(candidate);
  return pair;
}

// What has been found once that many pairs have an outcome.
Tally outcomes_of(Comparer& comparer, std::uint64_t pairs) {
  Tally tally;
  while (tally.compared() + tally.count(Outcome::skipped) < pairs) {
    for (const auto& [candidate, found] : comparer.findings().take()) tally.merge(found);
    std::this_thread::yield();
  }
  return tally;
}

TEST(Comparer, ComparesOnAThreadOfItsOwnAndSaysWhatItCost) {
  Comparer comparer(2);
  for (int i = 0; i < 10; ++i) comparer.add(pair_of("[1, 2]", i % 2 == 0 ? "[1, 2]" : "[1, 3]"), 1);
  const auto tally = outcomes_of(comparer, 10);
  EXPECT_EQ(tally.count(Outcome::match), 5u);
  EXPECT_EQ(tally.count(Outcome::mismatch), 5u);
  EXPECT_EQ(comparer.take_cpu(0).count(), 0);
  while (comparer.take_cpu(1).count() == 0) std::this_thread::yield();
}

TEST(Comparer, SkipsWhatIsTooMuchAndWhatWaitsAtTheEnd) {
  Comparer comparer(1);
  const std::string half(500'000, ' ');  // spaces, which JSON allows
  constexpr int kPairs = 100;
  for (int i = 0; i < kPairs; ++i) comparer.add(pair_of(half + "1", half + "2"), 0);
  comparer.stop();
  comparer.add(pair_of("1", "2"), 0);
  const auto tally = outcomes_of(comparer, kPairs + 1);
  EXPECT_GT(tally.count(Outcome::skipped), 0u);
}

}  // namespace
}  // namespace tandem::experiment
