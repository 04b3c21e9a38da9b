#include "admin/access_rules.hpp"

#include <gtest/gtest.h>

#include "base/constant_time.hpp"
#include "fake_server.hpp"

namespace tandem::admin {
namespace {

const service::Peer kTcp{"127.0.0.1", 5000, true};
const service::Peer kUnix{"unix", 0, true};

AdminOptions listening_on(std::string host, std::vector<std::string> hosts = {}) {
  AdminOptions options;
  options.listen_host = std::move(host);
  options.hosts = std::move(hosts);
  return options;
}

// "" when the request may pass, else the problem's code.
std::string refusal(const AdminOptions& options, const std::string& host, const std::string& origin = {},
                    const service::Peer& peer = kTcp) {
  FakeRequest fake("/", host);
  if (!origin.empty()) fake.set("Origin", origin);
  const auto problem = AccessRules(options).check_origin(fake.request, peer);
  return problem ? problem->code : "";
}

TEST(HostOf, DropsPortBracketsAndFinalDot) {
  EXPECT_EQ(host_of("a.example:80"), "a.example");
  EXPECT_EQ(host_of("a.example."), "a.example");
  EXPECT_EQ(host_of("a.example.:80"), "a.example");
  EXPECT_EQ(host_of("[::1]:80"), "::1");
  EXPECT_EQ(host_of("[::1]"), "::1");
  EXPECT_EQ(host_of("::1"), "::1");
  EXPECT_EQ(host_of("["), "");
  EXPECT_EQ(host_of(""), "");
}

class OwnHost : public testing::TestWithParam<const char*> {};
TEST_P(OwnHost, IsAnswered) { EXPECT_EQ(refusal(listening_on("10.0.0.5", {"metrics.example"}), GetParam()), ""); }
INSTANTIATE_TEST_SUITE_P(Hosts, OwnHost,
                         testing::Values("localhost", "LocalHost:9090", "localhost.", "127.0.0.1:9090", "127.8.8.8",
                                         "[::1]:9090", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "10.0.0.5",
                                         "10.0.0.5:1234", "[::ffff:10.0.0.5]:80", "metrics.example", "METRICS.example.:443",
                                         ""));

// What a browser sends after a page's own name was made to resolve to our address, and its look-alikes.
class ForeignHost : public testing::TestWithParam<const char*> {};
TEST_P(ForeignHost, IsRefused) {
  EXPECT_EQ(refusal(listening_on("10.0.0.5", {"metrics.example"}), GetParam()), "admin.foreign_host");
}
INSTANTIATE_TEST_SUITE_P(Hosts, ForeignHost,
                         testing::Values("evil.example", "evil.example:9090", "localhost.evil.example", "evil-localhost",
                                         "127.0.0.1.evil.example", "127.0.0.1.nip.io:9090", "metrics.example.evil.example",
                                         "xmetrics.example", "10.0.0.6", "0.0.0.0:9090", "[::]", "[::2]:9090", "0x7f000001",
                                         "2130706433", "127.1", "[", "[::1", ":9090", ".", "foo.localhost"));

TEST(AccessRules, AListenerOnEveryAddressAnswersToAddressesAndNotToNames) {
  for (const char* everywhere : {"0.0.0.0", "::", "[::]"}) {
    EXPECT_EQ(refusal(listening_on(everywhere), "192.0.2.7:9090"), "") << everywhere;
    EXPECT_EQ(refusal(listening_on(everywhere), "[2001:db8::1]:9090"), "") << everywhere;
    EXPECT_EQ(refusal(listening_on(everywhere), "0.0.0.0:9090"), "") << everywhere;
    EXPECT_EQ(refusal(listening_on(everywhere), "evil.example:9090"), "admin.foreign_host") << everywhere;
  }
}

TEST(AccessRules, TheTargetDoesNotHideAForeignHost) {
  FakeRequest fake("/", "evil.example");
  fake.request.authority = "localhost";  // GET http://localhost/ HTTP/1.1
  EXPECT_TRUE(AccessRules(listening_on("127.0.0.1")).check_origin(fake.request, kTcp));
}

TEST(AccessRules, AUnixSocketHasNoForeignHost) {
  EXPECT_EQ(refusal(listening_on(""), "anything.example", {}, kUnix), "");
  EXPECT_EQ(refusal(listening_on(""), "localhost", "http://evil.example", kUnix), "admin.foreign_origin");
}

TEST(AccessRules, OnlyPagesOfTheSameOriginOrAListedHostMayAsk) {
  const auto options = listening_on("127.0.0.1", {"metrics.example"});
  EXPECT_EQ(refusal(options, "localhost:9090", "http://localhost:9090"), "");
  EXPECT_EQ(refusal(options, "[::1]:9090", "http://[::1]:9090"), "");
  EXPECT_EQ(refusal(options, "127.0.0.1:9090", "https://metrics.example"), "");
  for (const char* origin :
       {"http://evil.example", "null", "http://localhost:3000", "http://localhost", "http://localhost:9090.evil.example",
        "http://evil.example@localhost:9090", "localhost:9090", "://localhost:9090", "http://",
        "http://localhost:9090, http://evil.example", "https://metrics.example.evil.example"})
    EXPECT_EQ(refusal(options, "localhost:9090", origin), "admin.foreign_origin") << origin;
}

TEST(AccessRules, EveryOriginFieldIsLookedAt) {
  FakeRequest fake("/");
  fake.set("origin", "http://localhost:9090").set("ORIGIN", "http://evil.example");
  EXPECT_TRUE(AccessRules(listening_on("127.0.0.1")).check_origin(fake.request, kTcp));
}

std::string token_refusal(const std::string& token, const std::string& read_token, const std::string& authorization,
                          std::string_view method = "GET") {
  AdminOptions options;
  options.token = token;
  options.read_token = read_token;
  FakeRequest fake("/api/v1/status");
  fake.method(method);
  if (!authorization.empty()) fake.set("Authorization", authorization);
  const auto problem = AccessRules(options).check_token(fake.request);
  return problem ? problem->code : "";
}

TEST(AccessRules, WithoutTokensNoneIsAskedFor) { EXPECT_EQ(token_refusal("", "", ""), ""); }

TEST(AccessRules, TheTokenMayDoEverything) {
  EXPECT_EQ(token_refusal("secret", "", "Bearer secret"), "");
  EXPECT_EQ(token_refusal("secret", "", "bearer  secret "), "");
  EXPECT_EQ(token_refusal("secret", "reader", "Bearer secret", "POST"), "");
}

TEST(AccessRules, TheReadTokenMayRead) {
  EXPECT_EQ(token_refusal("secret", "reader", "Bearer reader"), "");
  EXPECT_EQ(token_refusal("secret", "reader", "Bearer reader", "HEAD"), "");
  EXPECT_EQ(token_refusal("secret", "reader", "Bearer reader", "POST"), "admin.read_only");
  EXPECT_EQ(token_refusal("", "reader", "Bearer reader"), "");
}

TEST(AccessRules, AnythingElseIsUnauthorized) {
  for (const char* authorization : {"", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Bearer SECRET",
                                    "Basic secret", "secret", "Bearersecret"})
    EXPECT_EQ(token_refusal("secret", "", authorization), "admin.unauthorized") << authorization;
  EXPECT_EQ(token_refusal("", "reader", "Bearer ", "POST"), "admin.unauthorized");
}

TEST(EqualInConstantTime, ComparesEveryByte) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "xbc"));
  EXPECT_FALSE(equal_in_constant_time("abcabc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("", "a"));
  EXPECT_FALSE(equal_in_constant_time("a", ""));
}

}  // namespace
}  // namespace tandem::admin
