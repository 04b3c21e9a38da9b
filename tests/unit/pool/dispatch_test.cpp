// The pool's bookkeeping without sockets: who gets what, and when nothing more.
#include "pool/dispatch.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "pool/watchdog.hpp"

namespace tandem::pool {
namespace {

class DispatchTest : public testing::Test {
 protected:
  DispatchTest() {
    options_.queue = 3;
    options_.endpoints.resize(2);
    dispatch_.emplace(options_, 2);
    const Kind kinds[] = {Kind::sync, Kind::async};
    EXPECT_TRUE(dispatch_->set_kinds(kinds));
  }

  std::shared_ptr<WorkerLink> open(unsigned threads) {
    auto link = std::make_shared<WorkerLink>("w", threads, 2u);
    dispatch_->add_link(link);
    Handout handout;
    dispatch_->open(*link, now_, handout);
    return link;
  }
  Job& job(unsigned loop = 0, std::uint16_t endpoint = 0) {
    jobs_.emplace_back(nullptr, loop, static_cast<std::uint32_t>(jobs_.size()));
    jobs_.back().endpoint = endpoint;
    return jobs_.back();
  }
  Handout release(Job& job, std::uint64_t handler_ns) {
    job.timing.handler_ns = handler_ns;
    Handout handout;
    handout.own = 0;
    Job* const list[] = {&job};
    dispatch_->release(list, now_, handout);
    return handout;
  }
  void learn(std::uint64_t handler_ns) {
    for (int i = 0; i < 100; ++i) {
      Job& one = job();
      ASSERT_EQ(dispatch_->submit(one, now_), Dispatch::Placed::sent);
      release(one, handler_ns);
    }
  }

  PoolOptions options_;
  std::optional<Dispatch> dispatch_;
  TimePoint now_{std::chrono::hours(1)};
  std::deque<Job> jobs_;
};

TEST_F(DispatchTest, AnUnknownEndpointGoesOneAtATimeAndTheRestWaits) {
  const auto link = open(1);
  EXPECT_EQ(dispatch_->submit(job(), now_), Dispatch::Placed::sent);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(dispatch_->submit(job(), now_), Dispatch::Placed::queued);
  EXPECT_EQ(dispatch_->submit(job(), now_), Dispatch::Placed::full);
  EXPECT_EQ(dispatch_->queued(), 3u);
}

TEST_F(DispatchTest, IdleExecutorsComeFirst) {
  const auto link = open(2);
  learn(100'000);
  Job& first = job();
  Job& second = job();
  dispatch_->submit(first, now_);
  dispatch_->submit(second, now_);
  EXPECT_NE(first.executor, second.executor);
  EXPECT_NE(first.id, second.id);
}

TEST_F(DispatchTest, ShortWorkIsDoneInBatchesByOneThreadOfEachWorker) {
  const auto one = open(4);
  const auto two = open(4);
  learn(5000);
  std::map<Executor*, int> held;
  for (int i = 0; i < 18; ++i) {
    Job& next = job();
    dispatch_->submit(next, now_);
    ++held[next.executor];
  }
  ASSERT_EQ(held.size(), 2u);
  EXPECT_NE(held.begin()->first->link, held.rbegin()->first->link);
  EXPECT_EQ(held.begin()->second, 9);
  for (int i = 0; i < 3; ++i) {  // as much as is short
    Job& next = job();
    dispatch_->submit(next, now_);
    ++held[next.executor];
  }
  EXPECT_EQ(held.size(), 3u);
  now_ += Milliseconds(3);  // it took longer than expected
  Job& last = job();
  dispatch_->submit(last, now_);
  EXPECT_EQ(held.count(last.executor), 0u);
}

TEST_F(DispatchTest, QuickRequestsAreHandedOutAheadForAboutAMillisecond) {
  const auto link = open(1);
  learn(100'000);
  int sent = 0;
  while (dispatch_->submit(job(), now_) == Dispatch::Placed::sent) ++sent;
  EXPECT_GE(sent, 9);
  EXPECT_LE(sent, 12);
}

TEST_F(DispatchTest, NothingGoesBehindARequestThatIsSlowAlready) {
  const auto link = open(1);
  learn(1000);
  EXPECT_EQ(dispatch_->submit(job(), now_), Dispatch::Placed::sent);
  now_ += Milliseconds(3);
  EXPECT_EQ(dispatch_->submit(job(), now_), Dispatch::Placed::queued);
}

TEST_F(DispatchTest, FreedRoomGoesToTheHeadOfTheQueueOnItsOwnLoop) {
  const auto link = open(1);
  Job& running = job(0);
  Job& waiting = job(1);
  Job& last = job(0);
  dispatch_->submit(running, now_);
  dispatch_->submit(waiting, now_);
  dispatch_->submit(last, now_);
  auto handout = release(running, 5'000'000);
  EXPECT_EQ(handout.mine.pop(), nullptr);
  EXPECT_EQ(handout.wake, std::vector<unsigned>{1});
  EXPECT_EQ(waiting.state, Job::State::assigned);
  handout = Handout();
  handout.own = 1;
  dispatch_->take_inbox(handout);
  EXPECT_EQ(handout.mine.pop(), &waiting);
  EXPECT_FALSE(dispatch_->withdraw(waiting));
  EXPECT_TRUE(dispatch_->withdraw(last));
  EXPECT_FALSE(dispatch_->idle());
  release(waiting, 0);
  EXPECT_TRUE(dispatch_->idle());
}

TEST_F(DispatchTest, AClosedWorkersUnsentRequestsGoBackInOrder) {
  const auto link = open(2);
  Job& one = job(0);
  Job& two = job(0);
  Job& three = job(1);
  Job& four = job(1);
  for (Job* each : {&one, &two, &three, &four}) dispatch_->submit(*each, now_);
  release(one, 0);
  release(two, 0);
  ASSERT_EQ(three.state, Job::State::assigned);
  ASSERT_EQ(four.state, Job::State::assigned);
  Handout handout;
  dispatch_->close(*link, now_, handout);
  EXPECT_EQ(dispatch_->queued(), 2u);
  const auto successor = open(1);
  EXPECT_EQ(successor->executors[0].held.front()->loop, 1u);
  EXPECT_EQ(dispatch_->queued(), 1u);
}

TEST_F(DispatchTest, WhatWaitsBehindASlowRequestIsFoundOnceAndGoesElsewhere) {
  const auto link = open(2);
  learn(100'000);
  Job& slow = job();
  Job& also_slow = job();
  Job& behind = job();
  for (Job* each : {&slow, &also_slow, &behind}) dispatch_->submit(*each, now_);
  ASSERT_EQ(behind.executor, slow.executor);
  EXPECT_TRUE(dispatch_->find_take_back(now_).empty());
  now_ += Milliseconds(3);
  auto handout = release(also_slow, 3'000'000);
  EXPECT_TRUE(handout.take_back);
  EXPECT_EQ(dispatch_->find_take_back(now_).size(), 2u);  // the slow one as well: the worker ignores that
  EXPECT_TRUE(dispatch_->find_take_back(now_).empty());
  EXPECT_EQ(dispatch_->loop_of(*link, behind.id), 0u);
  const auto old_id = behind.id;
  handout = Handout();
  handout.own = 0;
  dispatch_->give_back(behind, now_, handout);
  EXPECT_EQ(handout.mine.pop(), &behind);
  EXPECT_NE(behind.executor, slow.executor);
  EXPECT_NE(behind.id, old_id);
}

TEST_F(DispatchTest, AsynchronousExecutorsTakeUpToTheirCapacity) {
  options_.async_capacity = 5;
  dispatch_.emplace(options_, 2);
  const Kind kinds[] = {Kind::sync, Kind::async};
  dispatch_->set_kinds(kinds);
  const auto link = open(1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(dispatch_->submit(job(0, 1), now_), Dispatch::Placed::sent);
  EXPECT_EQ(dispatch_->submit(job(0, 1), now_), Dispatch::Placed::queued);
  EXPECT_EQ(dispatch_->submit(job(0, 0), now_), Dispatch::Placed::sent);
}

TEST_F(DispatchTest, WhatAClientHoldsOpenTakesNobodysPlace) {
  options_.async_capacity = 1;
  dispatch_.emplace(options_, 2);
  const Kind kinds[] = {Kind::sync, Kind::async};
  dispatch_->set_kinds(kinds);
  const auto link = open(1);
  Job& socket = job(0, 1);
  Job& waits = job(0, 1);
  ASSERT_EQ(dispatch_->submit(socket, now_), Dispatch::Placed::sent);
  ASSERT_EQ(dispatch_->submit(waits, now_), Dispatch::Placed::queued);  // a handshake takes one
  Handout handout;
  handout.own = 0;
  dispatch_->note_open(socket, now_, handout);
  EXPECT_EQ(handout.mine.pop(), &waits);
  release(waits, 1000);
  dispatch_->note_left(socket);  // and so does an endpoint that goes on without its client
  Job& later = job(0, 1);
  ASSERT_EQ(dispatch_->submit(later, now_), Dispatch::Placed::queued);
  handout = release(socket, 1000);
  EXPECT_EQ(handout.mine.pop(), &later);
  EXPECT_EQ(link->executors[1].held_open, 0u);
}

TEST_F(DispatchTest, WhatEndsWhileItIsHeldOpenIsCountedNoMore) {
  const auto link = open(1);
  Job& socket = job(0, 1);
  ASSERT_EQ(dispatch_->submit(socket, now_), Dispatch::Placed::sent);
  Handout handout;
  dispatch_->note_open(socket, now_, handout);
  EXPECT_EQ(link->executors[1].held_open, 1u);
  release(socket, 1000);
  EXPECT_EQ(link->executors[1].held_open, 0u);
}

TEST_F(DispatchTest, WhatABlockedEventLoopHasNotStartedGoesToAnIdleOne) {
  const auto first = open(1);
  Job& blocks = job(0, 1);
  Job& behind = job(0, 1);
  ASSERT_EQ(dispatch_->submit(blocks, now_), Dispatch::Placed::sent);
  ASSERT_EQ(dispatch_->submit(behind, now_), Dispatch::Placed::sent);
  const auto second = open(1);
  Job& elsewhere = job(0, 1);
  ASSERT_EQ(dispatch_->submit(elsewhere, now_), Dispatch::Placed::sent);
  EXPECT_EQ(elsewhere.executor->link, second.get());
  now_ += Milliseconds(3);
  EXPECT_TRUE(dispatch_->find_take_back(now_).empty());  // nobody has time for it
  EXPECT_TRUE(release(elsewhere, 3'000'000).take_back);
  EXPECT_EQ(dispatch_->find_take_back(now_).size(), 2u);
  Handout handout;
  handout.own = 0;
  dispatch_->give_back(behind, now_, handout);
  EXPECT_EQ(handout.mine.pop(), &behind);
  EXPECT_EQ(behind.executor->link, second.get());
}

TEST_F(DispatchTest, AnEventLoopThatAnswersIsPreferredToOneThatDoesNot) {
  const auto first = open(1);
  ASSERT_EQ(dispatch_->submit(job(0, 1), now_), Dispatch::Placed::sent);  // blocks
  const auto second = open(1);
  now_ += Milliseconds(3);
  for (int i = 0; i < 4; ++i) {
    Job& quick = job(0, 1);
    ASSERT_EQ(dispatch_->submit(quick, now_), Dispatch::Placed::sent);
    EXPECT_EQ(quick.executor->link, second.get());
  }
}

TEST_F(DispatchTest, KindsMayNotChange) {
  const Kind kinds[] = {Kind::async, Kind::async};
  EXPECT_FALSE(dispatch_->set_kinds(kinds));
}

TEST(Watchdog, BacksOffUpToTenSeconds) {
  EXPECT_EQ(restart_delay(1), Milliseconds(100));
  EXPECT_EQ(restart_delay(2), Milliseconds(200));
  EXPECT_EQ(restart_delay(8), Milliseconds(10000));
  EXPECT_EQ(restart_delay(1000), Milliseconds(10000));
}

TEST(Watchdog, KnowsWear) {
  PoolOptions options;
  std::minstd_rand random;
  const auto limits = [&] { return draw_wear_limits(options, random); };
  EXPECT_FALSE(find_wear(limits(), 1'000'000, UINT64_MAX, std::chrono::hours(10'000)));
  options.max_requests = 10;
  EXPECT_FALSE(find_wear(limits(), 9, 0, {}));
  EXPECT_EQ(find_wear(limits(), 10, 0, {}), RestartReason::max_requests);
  options.max_rss_bytes = 100;
  EXPECT_FALSE(find_wear(limits(), 0, 100, {}));
  EXPECT_EQ(find_wear(limits(), 0, 101, {}), RestartReason::max_rss);
  options.max_lifetime = Milliseconds(1000);
  EXPECT_FALSE(find_wear(limits(), 0, 0, Milliseconds(999)));
  EXPECT_EQ(find_wear(limits(), 0, 0, Milliseconds(1100)), RestartReason::max_lifetime);
}

}  // namespace
}  // namespace tandem::pool
