#include <gtest/gtest.h>

#include "benchmark/benchmark.hpp"
#include "support/made_up_run.hpp"

namespace tandem::benchmark {
namespace {

using test::made_up_run;

Outcome judged(const Run& run, const std::string& conditions) {
  return judge(run, evaluate(run), *parse_conditions(conditions));
}

TEST(Conditions, AreSubjectRelationAndLimit) {
  const auto conditions = parse_conditions("p99>1.2, errors >= 0.01,p99.9<=2");
  ASSERT_TRUE(conditions);
  ASSERT_EQ(conditions->size(), 3U);
  EXPECT_EQ((*conditions)[0].subject, "p99");
  EXPECT_EQ((*conditions)[0].relation, ">");
  EXPECT_EQ((*conditions)[0].limit, 1.2);
  EXPECT_EQ((*conditions)[1].relation, ">=");
  EXPECT_EQ((*conditions)[2].subject, "p99.9");
}

TEST(Conditions, RefuseWhatIsNone) {
  for (const auto* text : {"", "p99", "p99>", ">1", "p98>1", "p99>one", "p99>1.2x", "p99>1,", "mean=1", "mean>inf"})
    EXPECT_FALSE(parse_conditions(text)) << text;
}

TEST(Conditions, FailWhenTheWholeIntervalDoes) {
  const auto slower = made_up_run({.ratio = 1.5});
  EXPECT_EQ(judged(slower, "mean>1.2"), Outcome::fail);
  EXPECT_EQ(judged(slower, "mean>2"), Outcome::pass);
  EXPECT_EQ(judged(slower, "mean>1.5"), Outcome::undecided);
  EXPECT_EQ(judged(slower, "mean>2,cpu>1.2"), Outcome::fail);
  EXPECT_EQ(judged(slower, "p99.9>1.2"), Outcome::undecided);  // too few requests
  EXPECT_EQ(judged(slower, "mean>2,p99.9>1.2"), Outcome::undecided);
  EXPECT_EQ(judged(slower,
                   ""
                   "errors>0"),
            Outcome::pass);
}

TEST(Conditions, LookAtErrorsAndAnswers) {
  auto run = made_up_run({});
  for (auto& block : run.blocks)
    if (block.side == loadgen::Side::candidate) block.wrong_body = 4;
  run.answers->different = 1;
  EXPECT_EQ(judged(run, "errors>0.005"), Outcome::fail);
  EXPECT_EQ(judged(run, "errors>0.02"), Outcome::pass);
  EXPECT_EQ(judged(run, "differences>0"), Outcome::fail);
}

TEST(Conditions, OfAnInvalidRunAreNotLookedAt) {
  auto run = made_up_run({});
  run.blocks.front().socket_errors = 1;
  EXPECT_EQ(judged(run, "errors>1"), Outcome::invalid);
  EXPECT_EQ(judge(run, evaluate(run), {}), Outcome::invalid);
}

}  // namespace
}  // namespace tandem::benchmark
