#include "pipeline/forwarded.hpp"

#include <gtest/gtest.h>

#include "support/fake_body.hpp"

namespace tandem::pipeline {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// What the handler behind sees: "client[:port] scheme authority".
class Seen final : public service::Handler {
 public:
  service::Outcome handle(http::Request& request, service::Call& call) const override {
    auto text = call.client->address;
    if (call.client->port) text += ":" + std::to_string(call.client->port);
    return http::text(text + " " + std::string(request.scheme) + " " + std::string(request.authority));
  }
};

std::string see(std::string peer_address, const Fields& fields) {
  const Seen seen;
  const Forwarded forwarded(seen, TrustedProxies({"10.0.0.0/8", "fd00::/8", "unix"}));
  Loop loop(0);
  service::Peer peer;
  peer.address = std::move(peer_address);
  service::Call call(loop, peer);
  support::FakeBody body;
  http::Request request;
  request.body = &body;
  request.authority = "inside";
  for (const auto& [name, value] : fields) request.headers.add(http::parse_field(name), name, value);
  auto outcome = forwarded.handle(request, call);
  return std::string(outcome.response().body_text());
}

TEST(Forwarded, XForwarded) {
  struct Row {
    const char* peer;
    Fields fields;
    const char* seen;
  };
  const std::string nothing = "10.0.0.1 http inside";
  const Row rows[] = {
      {"10.0.0.1", {}, "10.0.0.1 http inside"},
      {"192.0.2.1", {{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Proto", "https"}}, "192.0.2.1 http inside"},
      {"10.0.0.1", {{"X-Forwarded-For", "203.0.113.9"}}, "203.0.113.9 http inside"},
      {"unix", {{"X-Forwarded-For", "203.0.113.9"}}, "203.0.113.9 http inside"},
      {"fd00::1", {{"X-Forwarded-For", "2001:db8::9"}}, "2001:db8::9 http inside"},
      {"127.0.0.1", {{"X-Forwarded-For", "203.0.113.9"}}, "127.0.0.1 http inside"},
      // the rightmost that is not trusted, whatever the client wrote to its left
      {"10.0.0.1", {{"X-Forwarded-For", "1.1.1.1, 203.0.113.9, 10.0.0.2"}}, "203.0.113.9 http inside"},
      {"10.0.0.1", {{"X-Forwarded-For", "1.1.1.1"}, {"X-Forwarded-For", "203.0.113.9"}}, "203.0.113.9 http inside"},
      {"10.0.0.1", {{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}}, "10.0.0.3 http inside"},
      {"10.0.0.1", {{"X-Forwarded-For", "203.0.113.9:4711"}}, "203.0.113.9:4711 http inside"},
      {"10.0.0.1", {{"X-Forwarded-For", "[2001:db8::9]:4711"}}, "2001:db8::9:4711 http inside"},
      {"10.0.0.1", {{"X-Forwarded-For", "garbage"}}, "10.0.0.1 http inside"},
      {"10.0.0.1", {{"X-Forwarded-For", "garbage, 10.0.0.2"}}, "10.0.0.2 http inside"},
      {"10.0.0.1", {{"X-Forwarded-For", " , "}}, "10.0.0.1 http inside"},
      {"10.0.0.1", {{"X-Forwarded-For", "300.1.1.1"}}, "10.0.0.1 http inside"},
      // scheme and host, alone and in lists
      {"10.0.0.1", {{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "shop.example"}}, "10.0.0.1 https shop.example"},
      {"10.0.0.1", {{"X-Forwarded-Proto", "HTTPS"}}, "10.0.0.1 https inside"},
      {"10.0.0.1", {{"X-Forwarded-Proto", "wss"}}, "10.0.0.1 https inside"},
      {"10.0.0.1", {{"X-Forwarded-Proto", "gopher"}}, "10.0.0.1 http inside"},
      {"10.0.0.1", {{"X-Forwarded-Host", "shop.example:8443"}}, "10.0.0.1 http shop.example:8443"},
      {"10.0.0.1", {{"X-Forwarded-Host", "a b"}}, "10.0.0.1 http inside"},
      {"10.0.0.1", {{"X-Forwarded-Host", "user@evil/"}}, "10.0.0.1 http inside"},
      {"10.0.0.1",
       {{"X-Forwarded-For", "203.0.113.9, 10.0.0.2"},
        {"X-Forwarded-Proto", "https, http"},
        {"X-Forwarded-Host", "a.example, b.example"}},
       "203.0.113.9 https a.example"},
      {"10.0.0.1",
       {{"X-Forwarded-For", "1.1.1.1, 203.0.113.9"},
        {"X-Forwarded-Proto", "http, https"},
        {"X-Forwarded-Host", "evil.example, a.example"}},
       "203.0.113.9 https a.example"},
      {"10.0.0.1",
       {{"X-Forwarded-For", "203.0.113.9, 10.0.0.2"}, {"X-Forwarded-Proto", "https"}},
       "203.0.113.9 https inside"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(see(row.peer, row.fields), row.seen) << (row.fields.empty() ? "" : row.fields[0].second);
}

TEST(Forwarded, Rfc7239) {
  const std::pair<const char*, const char*> rows[] = {
      {"for=203.0.113.9", "203.0.113.9 http inside"},
      {"For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17:4711 http inside"},
      {"for=203.0.113.9;proto=https;by=10.0.0.1;host=shop.example", "203.0.113.9 https shop.example"},
      {"for=203.0.113.9; proto=https ; host=\"shop.example:8443\"", "203.0.113.9 https shop.example:8443"},
      {"for=1.1.1.1, for=203.0.113.9, for=10.0.0.2", "203.0.113.9 http inside"},
      {"for=203.0.113.9;proto=https, for=10.0.0.2;proto=http", "203.0.113.9 https inside"},
      {"for=\"203.0.113.9:_hidden\"", "203.0.113.9 http inside"},
      {"for=_hidden;proto=https", "10.0.0.1 https inside"},
      {"for=unknown, for=10.0.0.2", "10.0.0.2 http inside"},
      {"for=203.0.113.9;extension=\"a,b;c\"", "203.0.113.9 http inside"},
      {"for=203.0.113.9;;", "203.0.113.9 http inside"},
      {"for=\"203.0.113.9", "10.0.0.1 http inside"},
      {"for=[2001:db8::1]", "10.0.0.1 http inside"},
      {"for", "10.0.0.1 http inside"},
      {"for=", "10.0.0.1 http inside"},
      {"for =203.0.113.9", "10.0.0.1 http inside"},
      {"for=203.0.113.9 proto=https", "10.0.0.1 http inside"},
      {"host=\"a\\\"b\"", "10.0.0.1 http inside"},
      {"", "10.0.0.1 http inside"},
  };
  for (const auto& [value, seen] : rows) EXPECT_EQ(see("10.0.0.1", {{"Forwarded", value}}), seen) << value;
}

TEST(Forwarded, XForwardedIsTheProxysWordWhenBothAreThere) {
  EXPECT_EQ(see("10.0.0.1", {{"Forwarded", "for=1.1.1.1;proto=https"}, {"X-Forwarded-For", "203.0.113.9"}}),
            "203.0.113.9 http inside");
}

}  // namespace
}  // namespace tandem::pipeline
