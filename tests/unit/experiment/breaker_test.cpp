#include "experiment/breaker.hpp"

#include <gtest/gtest.h>

namespace tandem::experiment {
namespace {

using Admission = Breaker::Admission;
using Result = Breaker::Result;
using State = Breaker::State;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""min;

class BreakerTest : public testing::Test {
 protected:
  // What was said of a trip, if the last of these attempts made one.
  std::string attempt(Result result, int times = 1, unsigned shard = 0) {
    std::string said;
    for (int i = 0; i < times; ++i) said = breaker_.record(shard, Admission::yes, result, now_);
    return said;
  }
  // One trial request.
  void probe(Result result) {
    ASSERT_EQ(breaker_.admit(now_), Admission::probe);
    breaker_.record(0, Admission::probe, result, now_);
  }

  TimePoint now_{1000s};
  Breaker breaker_{2};
};

TEST_F(BreakerTest, TripsWhenHalfOfTenAttemptsFail) {
  attempt(Result::good, 5);
  EXPECT_EQ(attempt(Result::failed, 4), "");
  EXPECT_EQ(breaker_.admit(now_), Admission::yes);
  EXPECT_EQ(attempt(Result::failed), "5 of 10 answers within a second were errors");
  EXPECT_EQ(breaker_.state(), State::open);
  EXPECT_EQ(breaker_.admit(now_), Admission::no);
  EXPECT_EQ(breaker_.trips(), 1u);
}

TEST_F(BreakerTest, StaysClosedBelowHalf) {
  for (int second = 0; second < 20; ++second) {
    attempt(Result::good, 11);
    EXPECT_EQ(attempt(Result::failed, 10), "");
    now_ += 1500ms;
  }
}

TEST_F(BreakerTest, ForgetsAttemptsAfterASecond) {
  attempt(Result::failed, 9);
  now_ += 1000ms;
  EXPECT_EQ(attempt(Result::failed, 9), "");
  now_ += 499ms;
  EXPECT_NE(attempt(Result::failed), "");
}

TEST_F(BreakerTest, AddsWhatTheThreadsSee) {
  attempt(Result::failed, 5, 0);
  EXPECT_EQ(attempt(Result::failed, 4, 1), "");
  EXPECT_NE(attempt(Result::failed, 1, 1), "");
}

TEST_F(BreakerTest, TripsAfterFiveCrashesInARow) {
  for (int i = 0; i < 4; ++i) {
    attempt(Result::crashed);
    now_ += 10s;
  }
  attempt(Result::good);
  EXPECT_EQ(attempt(Result::crashed, 4), "");
  now_ += 10s;
  EXPECT_EQ(attempt(Result::crashed), "5 crashes of its worker in a row");
}

TEST_F(BreakerTest, ComesBackAfterThreeGoodTrials) {
  attempt(Result::failed, 10);
  now_ += 29999ms;
  EXPECT_EQ(breaker_.admit(now_), Admission::no);
  now_ += 1ms;
  probe(Result::good);
  EXPECT_EQ(breaker_.state(), State::half_open);
  EXPECT_EQ(breaker_.admit(now_ + 999ms), Admission::no);  // one a second
  now_ += 1s;
  probe(Result::good);
  now_ += 1s;
  probe(Result::good);
  EXPECT_EQ(breaker_.state(), State::closed);
  EXPECT_EQ(breaker_.admit(now_), Admission::yes);
}

TEST_F(BreakerTest, OneBadTrialOpensItAgain) {
  attempt(Result::failed, 10);
  now_ += 30s;
  probe(Result::good);
  now_ += 1s;
  probe(Result::failed);
  EXPECT_EQ(breaker_.state(), State::open);
  EXPECT_EQ(breaker_.admit(now_ + 29s), Admission::no);
  EXPECT_EQ(breaker_.trips(), 2u);
}

TEST_F(BreakerTest, RequestsFromBeforeTheTripDoNotCountAfterIt) {
  attempt(Result::failed, 10);
  EXPECT_EQ(attempt(Result::failed, 50), "");
  EXPECT_EQ(breaker_.trips(), 1u);
  now_ += 30s;
  EXPECT_EQ(breaker_.admit(now_), Admission::probe);
  EXPECT_EQ(attempt(Result::good, 3), "");
  EXPECT_EQ(breaker_.state(), State::half_open);
}

TEST_F(BreakerTest, TheThirdTripInTenMinutesIsFinalUntilForgiven) {
  attempt(Result::failed, 10);
  for (int trip = 2; trip <= 3; ++trip) {
    now_ += 30s;
    probe(Result::failed);
  }
  EXPECT_EQ(breaker_.state(), State::given_up);
  EXPECT_EQ(breaker_.admit(now_ + 60min), Admission::no);
  breaker_.forgive();
  EXPECT_EQ(breaker_.admit(now_), Admission::yes);
}

TEST_F(BreakerTest, TripsFarApartAreNotAddedUp) {
  for (int trip = 0; trip < 5; ++trip) {
    attempt(Result::failed, 10);
    ASSERT_EQ(breaker_.state(), State::open);
    now_ += 30s;
    for (int i = 0; i < 3; ++i, now_ += 1s) probe(Result::good);
    now_ += 5min;
  }
}

}  // namespace
}  // namespace tandem::experiment
