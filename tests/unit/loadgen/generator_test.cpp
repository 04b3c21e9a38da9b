#include "loadgen/generator.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "support/peer_server.hpp"

namespace tandem::loadgen {
namespace {

using test::PeerServer;
using test::plain_answer;
using namespace std::chrono_literals;

constexpr auto kTimeout = std::chrono::seconds(5);

WireRequest get(const std::string& target = "/") {
  PlannedRequest request;
  request.target = target;
  return make_wire_request(request, "peer", {});
}

Address address_of(const PeerServer& server) { return *resolve(*parse_target(server.url())); }

Load load_of(double rate, Nanoseconds duration) {
  Load load;
  load.rate = rate;
  load.arrivals = Arrivals::constant;
  load.duration = duration;
  load.timeout = kTimeout;
  return load;
}

Block run(PeerServer& server, std::vector<WireRequest> requests, const Load& load, std::size_t connections = 4) {
  const std::atomic<bool> stop{false};
  Generator generator(address_of(server), requests, connections);
  EXPECT_TRUE(generator.connect());
  return generator.run(load, stop);
}

TEST(WireRequest, HasHostFieldsAndContentLength) {
  PlannedRequest request{"POST", "/x?y", {{"X-A", "1"}}, "body"};
  const auto wire = make_wire_request(request, "host:1", {{"Tandem-Arm", "py"}});
  EXPECT_EQ(wire.bytes, "POST /x?y HTTP/1.1\r\nHost: host:1\r\nX-A: 1\r\nTandem-Arm: py\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_FALSE(wire.is_repeatable);
}

TEST(Fetch, GivesTheWholeAnswer) {
  PeerServer server([](const std::string& head) {
    return head.find("/chunked") != std::string::npos
               ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
               : plain_answer("hello", 404);
  });
  server.start();
  const auto chunked = fetch(address_of(server), get("/chunked"), kTimeout);
  ASSERT_TRUE(chunked) << chunked.error().message;
  EXPECT_EQ(chunked->body, "abcde");
  EXPECT_EQ(chunked->values("x-a").front(), "1");
  EXPECT_EQ(fetch(address_of(server), get(), kTimeout)->status, 404);
}

TEST(Fetch, SaysWhatIsWrong) {
  PeerServer garbage([](const std::string&) { return "SSH-2.0-nothing\r\n\r\n"; });
  PeerServer silent([](const std::string&) { return std::nullopt; });
  PeerServer closing([](const std::string&) { return ""; });
  for (auto* server : {&garbage, &silent, &closing}) server->start();
  EXPECT_FALSE(fetch(address_of(garbage), get(), kTimeout));
  EXPECT_FALSE(fetch(address_of(closing), get(), kTimeout));
  const auto late = fetch(address_of(silent), get(), 50ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message, "no answer in time");
}

TEST(Generator, SendsWhatIsDueAndCountsEverything) {
  PeerServer server([](const std::string&) { return plain_answer("hello"); });
  server.start();
  auto load = load_of(500, 400ms);
  load.washout = 100ms;
  const auto block = run(server, {get()}, load);
  EXPECT_EQ(block.planned, 200U);
  EXPECT_EQ(block.answered, 200U);
  EXPECT_EQ(block.errors(), 0U);
  EXPECT_EQ(block.latency.count(), 200U);
  EXPECT_EQ(block.service.count(), 200U);
  EXPECT_EQ(block.server_requests, 250U);
  EXPECT_EQ(block.bytes_received, 1000U);
  EXPECT_EQ(server.requests(), 250U);
}

TEST(Generator, SendsTheRequestsInTurn) {
  std::atomic<int> a{0}, b{0};
  PeerServer server([&](const std::string& head) {
    ++(head.rfind("GET /a", 0) == 0 ? a : b);
    return plain_answer("");
  });
  server.start();
  run(server, {get("/a"), get("/b")}, load_of(500, 200ms));
  EXPECT_EQ(a, 50);
  EXPECT_EQ(b, 50);
}

TEST(Generator, BeginsWithTheRequestItIsTold) {
  std::string order;
  PeerServer server([&](const std::string& head) {
    order += head[5];
    return plain_answer("");
  });
  server.start();
  auto load = load_of(100, 50ms);
  load.first_request = 2;
  const std::vector<WireRequest> requests{get("/a"), get("/b"), get("/c")};
  const std::atomic<bool> stop{false};
  Generator generator(address_of(server), requests, 1);
  ASSERT_TRUE(generator.connect());
  for (int block = 0; block < 2; ++block) generator.run(load, stop);
  EXPECT_EQ(order, "cabcacabca");  // the second block like the first
}

TEST(Generator, TellsShedLoadFromOtherBodies) {
  unsigned number = 0;
  PeerServer server([&](const std::string&) {
    return ++number % 4 == 0 ? plain_answer("busy", 503) : plain_answer(number % 4 == 1 ? "other" : "fine");
  });
  server.start();
  auto request = get();
  request.status = 200;
  request.has_body = true;
  request.body = "fine";
  const auto block = run(server, {request}, load_of(500, 200ms), 1);
  EXPECT_EQ(block.wrong_status, 25U);
  EXPECT_EQ(block.wrong_body, 25U);
  EXPECT_EQ(block.errors(), 50U);
}

// Everything is answered in the end, but at half the rate.
TEST(Generator, AnswersThatComeAfterTheBlockAreNotTheRateThatWasAsked) {
  PeerServer server([](const std::string&) {
    std::this_thread::sleep_for(5ms);
    return plain_answer("hello");
  });
  server.start();
  const auto block = run(server, {get()}, load_of(400, 600ms));
  EXPECT_EQ(block.answered, 240U);
  EXPECT_LT(block.carried(), 0.75);
  EXPECT_NEAR(block.achieved_rate(), block.carried() * 400, 1e-6);
}

// A POST must not be sent twice, so a connection that the server has closed would make it fail.
TEST(Generator, ConnectionsThatTheServerClosedMeanwhileAreOpenedAnew) {
  PeerServer server([](const std::string&) { return plain_answer("hello"); });
  server.start();
  PlannedRequest post;
  post.method = "POST";
  const std::vector<WireRequest> requests{make_wire_request(post, "peer", {})};
  const std::atomic<bool> stop{false};
  Generator generator(address_of(server), requests, 4);
  ASSERT_TRUE(generator.connect());
  for (int i = 0; i < 3; ++i) {
    const auto block = generator.run(load_of(200, 100ms), stop);
    EXPECT_EQ(block.answered, 20U);
    EXPECT_EQ(block.errors(), 0U);
    server.close_connections();
  }
}

TEST(Generator, ConnectionsThatRestInABlockAreLookedAtBeforeTheyAreUsed) {
  PeerServer server([](const std::string&) { return plain_answer("hello"); });
  server.start();
  PlannedRequest post;
  post.method = "POST";
  const std::vector<WireRequest> requests{make_wire_request(post, "peer", {})};
  const std::atomic<bool> stop{false};
  Generator generator(address_of(server), requests, 1);
  ASSERT_TRUE(generator.connect());
  std::thread closer([&] {
    while (server.requests() < 1) std::this_thread::yield();
    server.close_connections();
  });
  auto load = load_of(0.8, 2s);  // at once, and 1.25 s later
  const auto block = generator.run(load, stop);
  closer.join();
  EXPECT_EQ(block.planned, 2U);
  EXPECT_EQ(block.socket_errors, 0U);
}

// The answer comes while the request's body is still being written: what follows would stand in its middle.
TEST(Generator, ConnectionsWhoseRequestIsNotWholeAreNotKept) {
  PeerServer server([](const std::string&) { return plain_answer("too large", 413); });
  server.start();
  PlannedRequest post;
  post.method = "POST";
  post.body = std::string(32 * 1024 * 1024, 'x');
  const auto block = run(server, {make_wire_request(post, "peer", {})}, load_of(40, 100ms), 1);
  EXPECT_EQ(block.planned, 4U);
  EXPECT_EQ(block.answered, 4U);
  EXPECT_EQ(block.wrong_status, 4U);
  EXPECT_GE(server.connections(), 4U);
}

TEST(Generator, TellsThatItIsAlive) {
  PeerServer server([](const std::string&) { return plain_answer(""); });
  server.start();
  unsigned ticks = 0;
  auto load = load_of(100, 300ms);
  load.tick = [&] { ++ticks; };
  run(server, {get()}, load);
  EXPECT_GE(ticks, 1U);
}

TEST(Generator, CountsAnswersThatWereNotExpected) {
  unsigned number = 0;
  PeerServer server([&](const std::string&) { return ++number % 2 == 0 ? plain_answer("other") : plain_answer("fine"); });
  server.start();
  auto request = get();
  request.status = 200;
  request.has_body = true;
  request.body = "fine";
  const auto block = run(server, {request}, load_of(500, 200ms));
  EXPECT_EQ(block.answered, 100U);
  EXPECT_EQ(block.wrong_body, 50U);
}

TEST(Generator, TimeoutsCountAsErrorsAndAsLatency) {
  PeerServer server([](const std::string&) { return std::nullopt; });
  server.start();
  auto load = load_of(50, 200ms);
  load.timeout = 100ms;
  const auto block = run(server, {get()}, load, 20);
  EXPECT_EQ(block.planned, 10U);
  EXPECT_EQ(block.answered, 0U);
  EXPECT_EQ(block.timeouts + block.censored, 10U);
  EXPECT_EQ(block.latency.count(), 10U);
  EXPECT_GE(block.latency.quantile_ns(0.01), 99e6);
}

TEST(Generator, ClosedConnectionsAreFailures) {
  PeerServer server([](const std::string&) { return ""; });
  server.start();
  const auto block = run(server, {get()}, load_of(100, 100ms));
  EXPECT_EQ(block.answered, 0U);
  EXPECT_EQ(block.socket_errors + block.timeouts + block.censored, 10U);
  EXPECT_GT(block.socket_errors, 0U);
}

TEST(Generator, OpensConnectionsAnewThatTheServerClosesPolitely) {
  PeerServer server([](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"; });
  server.start();
  const auto block = run(server, {get()}, load_of(200, 200ms));
  EXPECT_EQ(block.answered, 40U);
  EXPECT_EQ(block.errors(), 0U);
  EXPECT_GE(server.connections(), 40U);
}

TEST(Generator, NobodyListening) {
  std::string url;
  {
    PeerServer server([](const std::string&) { return ""; });
    url = server.url();
  }
  const std::vector<WireRequest> requests{get()};
  Generator generator(*resolve(*parse_target(url)), requests, 1);
  EXPECT_FALSE(generator.connect());
}

TEST(Generator, StopsWhenItIsTold) {
  PeerServer server([](const std::string&) { return plain_answer(""); });
  server.start();
  std::atomic<bool> stop{false};
  const std::vector<WireRequest> requests{get()};
  Generator generator(address_of(server), requests, 1);
  ASSERT_TRUE(generator.connect());
  std::thread stopper([&] {
    while (server.requests() < 5) std::this_thread::yield();
    stop = true;
  });
  const auto block = generator.run(load_of(1000, std::chrono::hours(1)), stop);
  stopper.join();
  EXPECT_LT(block.answered, 3'600'000U);
}

// experiments.md §7.12: a server that answers at once but freezes S of every P seconds has, for constant arrivals, the mean
// S²/(2P), and for p > 1 − S/P the quantile S·(1 − (1−p)·P/S). Load generators that wait for an answer before they send the
// next request do not see it.
TEST(Generator, SeesAFreezingServerAsItsClientsDo) {
  constexpr double kFreeze = 0.5, kPeriod = 2.5;
  PeerServer server([](const std::string&) { return plain_answer("hello"); });
  server.start(500ms, 2500ms);
  const auto block = run(server, {get()}, load_of(200, 5s), 20);
  const auto quantile = [&](double p) { return 1e9 * kFreeze * (1 - (1 - p) * kPeriod / kFreeze); };
  EXPECT_EQ(block.answered, 1000U);
  EXPECT_EQ(block.carried(), 1);
  EXPECT_LT(block.latency.quantile_ns(0.75), 10e6);  // p75 ≈ 0
  EXPECT_NEAR(block.latency.quantile_ns(0.999), quantile(0.999), 0.1 * quantile(0.999));
  EXPECT_NEAR(block.latency.mean_ns(), 1e9 * kFreeze * kFreeze / (2 * kPeriod), 5e6);
  EXPECT_NEAR(block.latency.quantile_ns(0.90), quantile(0.90), 0.1 * quantile(0.90));
  EXPECT_NEAR(block.latency.quantile_ns(0.99), quantile(0.99), 0.1 * quantile(0.99));
  // From the moment of sending, most of it is not seen.
  EXPECT_LT(block.service.mean_ns(), 0.5 * block.latency.mean_ns());
}

}  // namespace
}  // namespace tandem::loadgen
