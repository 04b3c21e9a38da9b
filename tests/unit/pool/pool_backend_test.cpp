// The pool from handler to worker and back, with workers played by the test.
#include "pool/pool_backend.hpp"

#include <atomic>
#include <latch>

#include "unit/pool/pool_harness.hpp"

namespace tandem::test {
namespace {

using frames::Type;
using Held = std::promise<std::uint64_t>;

// Requests whose path begins with "/hold" wait for the test.
void hold_some(FakeWorker& worker, const ReceivedRequest& request) {
  if (request.path.starts_with("/hold"))
    worker.held.push_back(request.id);
  else
    worker.answer(request.id, "for " + request.path);
}

bool has_code(const Answer& answer, std::string_view code) {
  return answer.body.find("\"code\":\"" + std::string(code) + "\"") != std::string::npos;
}

TEST_F(PoolTest, AnswersOnEveryLoopAndExecutorKind) {
  start();
  for (unsigned loop = 0; loop < 2; ++loop) {
    for (const auto* endpoint : {"greet:sync", "greet:async"}) {
      const auto answer = ask(loop, endpoint, "/a%20b")->get();
      EXPECT_EQ(answer.status, 200);
      EXPECT_EQ(answer.body, "for /a b");
    }
  }
  EXPECT_FALSE(backend_->find("greet:missing").ok());
  EXPECT_EQ(metric("tandem_python_workers{pool=\"python\",state=\"ready\"}"), "1");
  const auto states = backend_->workers();
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(states[0].requests, 4u);
  EXPECT_EQ(states[0].in_flight, 0u);
}

TEST_F(PoolTest, FailedStartSaysWhy) {
  workers_.behaviour.failed = R"({"step":"import greet","message":"No module named 'greet'","traceback":"Traceback: x"})";
  const auto result = make();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, "python.start_failed");
  EXPECT_NE(result.error().message.find("No module named 'greet'"), std::string::npos);
  EXPECT_NE(result.error().message.find("Traceback: x"), std::string::npos);
}

TEST_F(PoolTest, CarriesLargeBodiesWhole) {
  auto received = std::make_shared<std::string>();
  workers_.behaviour.on_request = [received](FakeWorker& worker, const ReceivedRequest& request) {
    *received = request.body;
    if (request.flags & frames::kEnd) worker.answer(request.id, "");
  };
  workers_.behaviour.on_body = [received](FakeWorker& worker, std::uint64_t id, std::string_view bytes, bool last) {
    received->append(bytes);
    if (!last) return;
    // A buffered answer in pieces.
    worker.respond(id, 0, frames::ResponseHead(), "", received->substr(0, 10));
    for (std::size_t at = 10; at < received->size(); at += frames::kMaxBodyFrame)
      worker.send(id, Type::response_body, 0, std::string_view(*received).substr(at, frames::kMaxBodyFrame));
    worker.end(id);
  };
  start();
  std::string body(3'000'000, 'x');
  for (std::size_t i = 0; i < body.size(); i += 7) body[i] = static_cast<char>('a' + i % 26);
  const auto answer = ask(0, "greet:sync", "/", std::make_unique<WholeBody>(body))->get();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body == body);
}

TEST_F(PoolTest, HandsTheErrorOfABodyToTheClient) {
  start();
  EXPECT_EQ(ask(0, "greet:sync", "/", std::make_unique<FedBody>())->get().status, 413);
}

TEST_F(PoolTest, WorkerErrorsBecomeProblems) {
  workers_.behaviour.on_request = [](FakeWorker& worker, const ReceivedRequest& request) {
    worker.fail(request.id, 418, "python.http_error", "Traceback: y");
  };
  start();
  const auto answer = ask(0, "greet:sync", "/")->get();
  EXPECT_EQ(answer.status, 418);
  EXPECT_TRUE(has_code(answer, "python.http_error"));
  EXPECT_EQ(answer.body.find("Traceback"), std::string::npos);
}

TEST_F(PoolTest, QueueIsBoundedAndServedByWhicheverLoopFindsRoom) {
  options_.queue = 2;
  std::latch taken(1);
  workers_.behaviour.on_request = [&](FakeWorker& worker, const ReceivedRequest& request) {
    hold_some(worker, request);
    if (request.path == "/hold") taken.count_down();
  };
  start();
  auto first = ask(0, "greet:sync", "/hold");
  taken.wait();
  auto second = ask(1, "greet:sync", "/2");
  on_loop(1, [] {});
  auto third = ask(0, "greet:sync", "/3");
  on_loop(0, [] {});
  EXPECT_EQ(backend_->queued(), 2u);
  const auto refused = ask(0, "greet:sync", "/4")->get();
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(has_code(refused, "overload.queue_full"));
  EXPECT_EQ(metric("tandem_rejected_total{reason=\"queue_full\"}"), "1");
  EXPECT_EQ(metric("tandem_python_queue{pool=\"python\"}"), "2");
  // The answer arrives at loop 0, which then hands a request of loop 1 to the executor.
  workers_.at(0)->post([](FakeWorker& worker) { worker.answer(worker.held[0], "done"); });
  EXPECT_EQ(first->get().body, "done");
  EXPECT_EQ(second->get().body, "for /2");
  EXPECT_EQ(third->get().body, "for /3");
}

TEST_F(PoolTest, WaitingTooLongIs503) {
  options_.queue_timeout = Milliseconds(50);
  std::latch taken(1);
  workers_.behaviour.on_request = [&](FakeWorker& worker, const ReceivedRequest& request) {
    hold_some(worker, request);
    taken.count_down();
  };
  start();
  auto first = ask(0, "greet:sync", "/hold");
  taken.wait();
  const auto answer = ask(1, "greet:sync", "/late")->get();
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(has_code(answer, "overload.queue_timeout"));
  EXPECT_EQ(backend_->queued(), 0u);
  workers_.at(0)->post([](FakeWorker& worker) { worker.answer(worker.held[0], "done"); });
  EXPECT_EQ(first->get().body, "done");
}

TEST_F(PoolTest, DeadlineIs504AndTheExecutorStaysTakenUntilTheWorkerReports) {
  std::promise<std::uint64_t> cancelled;
  workers_.behaviour.on_request = hold_some;
  workers_.behaviour.on_control = [&](FakeWorker&, Type type, std::uint64_t id) {
    if (type == Type::cancel) cancelled.set_value(id);
  };
  options_.timeout = Milliseconds(60000);
  start();
  const auto* const hasty = backend_->find_with("greet:sync", Milliseconds(40));
  const auto answer = ask_handler(0, *hasty, "/hold")->get();
  EXPECT_EQ(answer.status, 504);
  EXPECT_TRUE(has_code(answer, "python.timeout"));
  const auto id = cancelled.get_future().get();
  auto second = ask(1, "greet:sync", "/2");
  on_loop(1, [] {});
  EXPECT_EQ(backend_->queued(), 1u);
  workers_.at(0)->post([id](FakeWorker& worker) { worker.fail(id, 504, "python.cancelled"); });
  EXPECT_EQ(second->get().body, "for /2");
  EXPECT_EQ(workers_.count(), 1u);
  EXPECT_EQ(backend_->find_with("greet:missing", Milliseconds(1)), nullptr);
}

TEST_F(PoolTest, ClientGoneCancelsWhatRunsAndForgetsWhatWaits) {
  std::latch taken(1);
  std::promise<std::uint64_t> cancelled;
  workers_.behaviour.on_request = [&](FakeWorker& worker, const ReceivedRequest& request) {
    hold_some(worker, request);
    if (request.path == "/hold") taken.count_down();
  };
  workers_.behaviour.on_control = [&](FakeWorker& worker, Type type, std::uint64_t id) {
    if (type != Type::cancel) return;
    worker.fail(id, 500, "python.cancelled");
    cancelled.set_value(id);
  };
  start();
  auto running = ask(0, "greet:sync", "/hold");
  taken.wait();
  auto waiting = ask(1, "greet:sync", "/waiting");
  on_loop(1, [&] { waiting->call.cancel(); });
  EXPECT_EQ(waiting->get().status, http::kClientGone);
  EXPECT_EQ(backend_->queued(), 0u);
  on_loop(0, [&] { running->call.cancel(); });
  EXPECT_EQ(running->get().status, http::kClientGone);
  cancelled.get_future().get();
  EXPECT_EQ(ask(0, "greet:sync", "/after")->get().body, "for /after");
}

TEST_F(PoolTest, DeathOfAWorkerIs502ForWhatItHeldAndNothingForWhatWaits) {
  std::latch taken(1);
  workers_.behaviour.on_request = [&](FakeWorker& worker, const ReceivedRequest& request) {
    hold_some(worker, request);
    if (request.path == "/hold") taken.count_down();
  };
  start();
  auto running = ask(0, "greet:sync", "/hold");
  taken.wait();
  auto waiting = ask(1, "greet:sync", "/waiting");
  on_loop(1, [] {});
  workers_.at(0)->post([](FakeWorker& worker) { worker.die(); });
  const auto answer = running->get();
  EXPECT_EQ(answer.status, 502);
  EXPECT_TRUE(has_code(answer, "python.worker_died"));
  EXPECT_EQ(waiting->get().body, "for /waiting");
  EXPECT_EQ(workers_.count(), 2u);
  EXPECT_EQ(metric("tandem_python_restarts_total{pool=\"python\",reason=\"died\"}"), "1");
}

TEST_F(PoolTest, WhatWaitsBehindASlowRequestIsTakenBack) {
  options_.workers = 2;
  std::latch slow(2);
  // Worker threads never start what waits behind a held request; they give it back when asked.
  workers_.behaviour.on_request = [&](FakeWorker& worker, const ReceivedRequest& request) {
    if (request.path == "/hold") slow.count_down();
    if (!worker.held.empty() || request.path == "/hold")
      worker.held.push_back(request.id);
    else
      worker.answer(request.id, "for " + request.path, 1000);
  };
  workers_.behaviour.on_control = [&](FakeWorker& worker, Type type, std::uint64_t id) {
    if (type != Type::revoke || worker.held.empty() || worker.held.front() == id) return;
    std::erase(worker.held, id);
    worker.tell(Type::revoked, id);
  };
  start();
  // The pool learns that this endpoint is quick, so it hands out more than one at a time.
  for (int i = 0; i < 100; ++i) ask(0, "greet:sync", "/warm")->get();
  std::vector<std::shared_ptr<Question>> questions;
  on_loop(0, [&] {
    questions.push_back(ask(0, "greet:sync", "/hold"));
    questions.push_back(ask(0, "greet:sync", "/hold"));
    for (int i = 0; i < 20; ++i) questions.push_back(ask(0, "greet:sync", "/behind"));
  });
  slow.wait();
  // One worker is set free: everything that waits, in the queue or behind either, has to come through it.
  workers_.at(0)->post([](FakeWorker& worker) {
    for (const auto id : worker.held) worker.answer(id, "late", 1000);
    worker.held.clear();
  });
  for (std::size_t i = 2; i < questions.size(); ++i) EXPECT_EQ(questions[i]->get().status, 200);
  workers_.at(1)->post([](FakeWorker& worker) {
    for (const auto id : worker.held) worker.answer(id, "late", 1000);
    worker.held.clear();
  });
  EXPECT_EQ(questions[0]->get().status, 200);
  EXPECT_EQ(questions[1]->get().status, 200);
}

TEST_F(PoolTest, StreamedAnswerObeysCredit) {
  static constexpr std::size_t kTotal = 4 * 1024 * 1024;
  struct State {
    std::size_t sent = 0;
    std::int64_t credit = frames::kInitialCredit;
  };
  auto state = std::make_shared<State>();
  const auto go_on = [state](FakeWorker& worker, std::uint64_t id) {
    while (state->sent < kTotal && state->credit >= 32 * 1024) {
      worker.send(id, Type::response_body, 0, std::string(32 * 1024, 'z'));
      state->sent += 32 * 1024;
      state->credit -= 32 * 1024;
    }
    if (state->sent == kTotal) {
      worker.end(id);
      ++state->sent;
    }
  };
  workers_.behaviour.on_request = [go_on](FakeWorker& worker, const ReceivedRequest& request) {
    frames::ResponseHead head;
    head.content_length = kTotal;
    worker.respond(request.id, frames::kStreamed, head, "", "");
    go_on(worker, request.id);
  };
  workers_.behaviour.on_credit = [state, go_on](FakeWorker& worker, std::uint64_t id, std::uint32_t bytes) {
    state->credit += bytes;
    EXPECT_LE(state->credit, std::int64_t{frames::kInitialCredit});
    go_on(worker, id);
  };
  start();
  const auto answer = ask(0, "greet:async", "/")->get();
  EXPECT_EQ(answer.body.size(), kTotal);
  EXPECT_EQ(answer.error, "");
}

TEST_F(PoolTest, StreamThatFailsBreaksOff) {
  std::promise<std::uint64_t> begun;
  workers_.behaviour.on_request = [&](FakeWorker& worker, const ReceivedRequest& request) {
    worker.respond(request.id, frames::kStreamed, frames::ResponseHead(), "", "part");
    begun.set_value(request.id);
  };
  start();
  auto question = ask(0, "greet:async", "/");
  const auto id = begun.get_future().get();
  // In a read of their own: the head has reached the client by then.
  on_loop(0, [] {});
  on_loop(0, [] {});
  workers_.at(0)->post([id](FakeWorker& worker) { worker.fail(id, 500, "python.exception"); });
  const auto answer = question->get();
  // Before its first byte has left, a stream's failure is still a problem; after it, the connection breaks off.
  EXPECT_TRUE(answer.error == "python.exception" || answer.status == 500);
}

TEST_F(PoolTest, LeavingAStreamCancelsIt) {
  std::promise<std::uint64_t> cancelled;
  workers_.behaviour.on_request = [&](FakeWorker& worker, const ReceivedRequest& request) {
    worker.respond(request.id, frames::kStreamed, frames::ResponseHead(), "", "part");
  };
  workers_.behaviour.on_control = [&](FakeWorker& worker, Type type, std::uint64_t id) {
    if (type != Type::cancel) return;
    worker.fail(id, 500, "python.cancelled");
    cancelled.set_value(id);
  };
  start();
  EXPECT_EQ(ask(0, "greet:async", "/", nullptr, true)->get().status, 200);
  cancelled.get_future().get();
}

// A bug: the deadline was the pool's, not the route's.
TEST_F(PoolTest, AnEndpointGoesOnWithoutItsClientForTheTimeOfItsRoute) {
  std::promise<void> out_of_time;
  int cancels = 0;
  workers_.behaviour.on_request = [&](FakeWorker& worker, const ReceivedRequest& request) {
    worker.respond(request.id, frames::kStreamed, frames::ResponseHead(), "", "part");
  };
  workers_.behaviour.on_control = [&](FakeWorker& worker, Type type, std::uint64_t id) {
    if (type != Type::cancel || ++cancels < 2) return;
    worker.fail(id, 500, "python.cancelled");
    out_of_time.set_value();
  };
  options_.timeout = std::chrono::hours(1);
  start();
  const auto* const hasty = backend_->find_with("greet:async", Milliseconds(40));
  EXPECT_EQ(ask_handler(0, *hasty, "/", nullptr, true)->get().status, 200);
  EXPECT_EQ(out_of_time.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

TEST_F(PoolTest, StreamedRequestObeysCreditAndIsAnsweredAtItsEnd) {
  static constexpr std::size_t kPieces = 40;
  auto received = std::make_shared<std::size_t>(0);
  auto ungranted = std::make_shared<std::size_t>(0);
  workers_.behaviour.on_request = [](FakeWorker&, const ReceivedRequest& request) {
    EXPECT_EQ(request.flags & frames::kEnd, 0);
    EXPECT_EQ(request.head.content_length, UINT64_MAX);
  };
  workers_.behaviour.on_body = [received, ungranted](FakeWorker& worker, std::uint64_t id, std::string_view bytes,
                                                     bool last) {
    *received += bytes.size();
    *ungranted += bytes.size();
    EXPECT_LE(*ungranted, frames::kInitialCredit);
    if (*ungranted >= frames::kInitialCredit / 2) {
      const auto grant = static_cast<std::uint32_t>(*ungranted);
      *ungranted = 0;
      worker.send(id, Type::request_credit, 0, frames::bytes_of(grant));
    }
    if (last) worker.answer(id, std::to_string(*received));
  };
  start();
  auto body = std::make_unique<FedBody>();
  auto& fed = *body;
  auto question = ask(0, "greet:stream", "/", std::move(body));
  for (std::size_t i = 0; i < kPieces; ++i) on_loop(0, [&] { fed.feed(std::string(50'000, 'b')); });
  on_loop(0, [&] { fed.feed(std::string()); });
  EXPECT_EQ(question->get().body, std::to_string(kPieces * 50'000));
}

TEST_F(PoolTest, StreamedRequestMayBeAnsweredEarlyOrFail) {
  workers_.behaviour.on_request = [](FakeWorker& worker, const ReceivedRequest& request) {
    if (request.path == "/early") worker.answer(request.id, "enough");
  };
  workers_.behaviour.on_control = [](FakeWorker& worker, Type type, std::uint64_t id) {
    if (type == Type::cancel) worker.fail(id, 500, "python.cancelled");
  };
  start();
  auto body = std::make_unique<FedBody>();
  auto& fed = *body;
  auto question = ask(0, "greet:stream", "/early", std::move(body));
  on_loop(0, [&] { fed.feed(std::string("a")); });
  on_loop(0, [&] { fed.feed(std::string("b")); });
  on_loop(0, [&] { fed.feed(std::string()); });
  EXPECT_EQ(question->get().body, "enough");

  body = std::make_unique<FedBody>();
  auto& broken = *body;
  question = ask(0, "greet:stream", "/late", std::move(body));
  on_loop(0, [&] { broken.feed(Error("http.body_too_large", "too large")); });
  EXPECT_EQ(question->get().status, 413);
}

TEST_F(PoolTest, AnEchoLargerThanAllCreditDoesNotBlockItself) {
  workers_.behaviour.on_request = [](FakeWorker& worker, const ReceivedRequest& request) {
    worker.respond(request.id, frames::kStreamed, frames::ResponseHead(), "", "");
  };
  workers_.behaviour.on_body = [](FakeWorker& worker, std::uint64_t id, std::string_view bytes, bool last) {
    if (!bytes.empty()) worker.send(id, Type::response_body, 0, bytes);
    const auto grant = static_cast<std::uint32_t>(bytes.size());
    worker.send(id, Type::request_credit, 0, frames::bytes_of(grant));
    if (last) worker.end(id);
  };
  start();
  auto body = std::make_unique<FedBody>();
  auto& fed = *body;
  auto question = ask(1, "greet:stream", "/", std::move(body));
  for (int i = 0; i < 30; ++i) on_loop(1, [&] { fed.feed(std::string(50'000, 'e')); });
  on_loop(1, [&] { fed.feed(std::string()); });
  EXPECT_EQ(question->get().body.size(), 30 * 50'000u);
}

TEST_F(PoolTest, InterimResponsesAreHandedOn) {
  struct Hints final : service::InterimResponses {
    std::string text;
    void send(int status, std::string_view lines) override { text += std::to_string(status) + " " + std::string(lines); }
  } hints;
  workers_.behaviour.on_request = [](FakeWorker& worker, const ReceivedRequest& request) {
    const std::string_view lines = "Link: </a>\r\n";
    for (const std::uint16_t status : {103, 101, 200, 102}) {
      frames::ResponseHead head;
      head.status = status;
      head.fields_length = static_cast<std::uint32_t>(lines.size());
      worker.send(request.id, Type::informational, 0, std::string(frames::bytes_of(head)).append(lines));
    }
    worker.answer(request.id, "done");
  };
  start();
  auto question = std::make_shared<Question>(*loops_[0], "/", std::make_unique<WholeBody>(""));
  question->call.interim = &hints;
  loops_[0]->post([&] { groups_[0].spawn(run(question, *find("greet:sync"))); });
  EXPECT_EQ(question->get().body, "done");
  EXPECT_EQ(hints.text, "103 Link: </a>\r\n102 Link: </a>\r\n");
}

// Every one of many small requests from both loops is answered, whatever the order of wake-ups.
TEST_F(PoolTest, LosesNoWakeUp) {
  options_.workers = 2;
  options_.threads = 2;
  options_.queue = 4096;
  start();
  static constexpr int kChains = 64;
  static constexpr int kCalls = 20'000 / kChains * kChains;
  std::atomic<int> ok{0};
  std::array<std::latch, 2> done{std::latch(kChains), std::latch(kChains)};
  struct Chain {
    static Task<void> run(Loop& loop, const service::Handler& handler, int calls, std::atomic<int>& good, std::latch& end) {
      for (int i = 0; i < calls; ++i) {
        Question question(loop, "/x", std::make_unique<WholeBody>(""));
        auto outcome = handler.handle(question.request, question.call);
        auto& task = outcome.task();
        const auto response = co_await task;
        if (response.status == 200 && response.body_text() == "for /x") good.fetch_add(1);
      }
      end.count_down();
    }
  };
  for (unsigned loop = 0; loop < 2; ++loop)
    for (int i = 0; i < kChains; ++i)
      loops_[loop]->post([&, loop, i] {
        groups_[loop].spawn(
            Chain::run(*loops_[loop], *find(i % 4 ? "greet:sync" : "greet:async"), kCalls / kChains, ok, done[loop]));
      });
  done[0].wait();
  done[1].wait();
  EXPECT_EQ(ok.load(), 2 * kCalls);
}

TEST_F(PoolTest, StoppingLetsWorkFinish) {
  std::latch taken(1);
  workers_.behaviour.on_request = [&](FakeWorker& worker, const ReceivedRequest& request) {
    hold_some(worker, request);
    if (request.path == "/hold") taken.count_down();
  };
  start();
  auto running = ask(0, "greet:sync", "/hold");
  taken.wait();
  auto waiting = ask(1, "greet:sync", "/waiting");
  on_loop(1, [] {});
  auto stopped =
      std::async(std::launch::async, [&] { backend_->stop(std::chrono::steady_clock::now() + std::chrono::seconds(30)); });
  workers_.at(0)->post([](FakeWorker& worker) { worker.answer(worker.held[0], "done"); });
  EXPECT_EQ(running->get().body, "done");
  EXPECT_EQ(waiting->get().body, "for /waiting");
  stopped.get();
  EXPECT_EQ(ask(0, "greet:sync", "/after")->get().status, 503);
}

TEST_F(PoolTest, StoppingCancelsWhatIsLeftAtItsDeadline) {
  std::latch taken(1);
  workers_.behaviour.on_request = [&](FakeWorker& worker, const ReceivedRequest& request) {
    hold_some(worker, request);
    taken.count_down();
  };
  workers_.behaviour.on_control = [](FakeWorker& worker, Type type, std::uint64_t id) {
    if (type == Type::cancel) worker.fail(id, 503, "python.cancelled");
  };
  start();
  auto running = ask(0, "greet:sync", "/hold");
  taken.wait();
  backend_->stop(std::chrono::steady_clock::now() + Milliseconds(30));
  const auto answer = running->get();
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(has_code(answer, "python.cancelled"));
  EXPECT_TRUE(backend_->requests(Milliseconds(100)).empty());
}

TEST_F(PoolTest, StoppingEndsAtItsDeadline) {
  std::latch taken(1);
  workers_.behaviour.on_request = [&](FakeWorker& worker, const ReceivedRequest& request) {
    hold_some(worker, request);
    taken.count_down();
  };
  start();
  auto running = ask(0, "greet:sync", "/hold");
  taken.wait();
  auto waiting = ask(1, "greet:sync", "/waiting");
  on_loop(1, [] {});
  backend_->stop(std::chrono::steady_clock::now());
  EXPECT_EQ(running->get().status, 502);
  EXPECT_EQ(waiting->get().status, 503);
}

}  // namespace
}  // namespace tandem::test
