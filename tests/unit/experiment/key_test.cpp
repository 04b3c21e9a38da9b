#include "experiment/key.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <set>

namespace tandem::experiment {
namespace {

using Kind = KeySource::Kind;

class KeyTest : public testing::Test {
 protected:
  void field(std::string name, std::string value) {
    texts_.push_back({std::move(name), std::move(value)});
    const auto& [kept_name, kept_value] = texts_.back();
    request_.headers.add(http::parse_field(kept_name), kept_name, kept_value);
  }
  // "source=text", "-" when no source has a key.
  std::string find(std::vector<KeySource> sources) {
    sources_ = std::move(sources);
    service::Call call(loop_, peer_);
    Key key;
    find_key(sources_, request_, call, key);
    return key.source ? key.source->text + "=" + std::string(key.text) : "-";
  }
  static KeySource source(Kind kind, const std::string& name, const std::string& text) {
    KeySource source;
    source.kind = kind;
    source.name = name;
    source.text = text;
    return source;
  }
  static KeySource cookie(const std::string& name) { return source(Kind::cookie, name, "cookie"); }

  std::deque<std::pair<std::string, std::string>> texts_;
  std::vector<KeySource> sources_;
  Loop loop_{0};
  service::Peer peer_{.address = "192.0.2.77"};
  http::Request request_;
};

TEST_F(KeyTest, FindsCookiesByName) {
  field("Cookie", "xuid=1; uid=abc; uid=second");
  EXPECT_EQ(find({cookie("uid")}), "cookie=abc");
  EXPECT_EQ(find({cookie("xuid")}), "cookie=1");
  EXPECT_EQ(find({cookie("ui")}), "-");
  field("Cookie", "late=\"q v\"");
  EXPECT_EQ(find({cookie("late")}), "cookie=\"q v\"");
}

TEST_F(KeyTest, SurvivesOddCookies) {
  field("Cookie", "; ;=;uid;uid =1; uid=; =uid;;uid=x=y");
  EXPECT_EQ(find({cookie("uid")}), "-");  // the first of that name is empty
  EXPECT_EQ(find({cookie("nothing")}), "-");
}

TEST_F(KeyTest, TakesTheFirstSourceThatHasOne) {
  field("X-User", "bob");
  request_.query = "u=a%20b&v=1";
  request_.path_params = {{"n", "42"}};
  const auto header = source(Kind::header, "x-user", "header"), query = source(Kind::query, "u", "query"),
             path = source(Kind::path, "n", "path");
  EXPECT_EQ(find({cookie("uid"), header, query}), "header=bob");
  EXPECT_EQ(find({query, header}), "query=a b");
  EXPECT_EQ(find({source(Kind::query, "w", "w"), path}), "path=42");
  EXPECT_EQ(find({source(Kind::random, "", "random")}), "random=");
}

TEST_F(KeyTest, CutsAddressesToTheirNetwork) {
  auto client = source(Kind::client_ip, "", "ip");
  EXPECT_EQ(find({client}), "ip=192.0.2.77");
  client.ipv4_prefix = 24;
  const auto network = find({client});
  peer_.address = "192.0.2.1";
  EXPECT_EQ(find({client}), network);
  peer_.address = "192.0.3.1";
  EXPECT_NE(find({client}), network);
  client.ipv6_prefix = 64;
  peer_.address = "2001:db8::1";
  const auto prefix = find({client});
  peer_.address = "2001:db8::ffff:1";
  EXPECT_EQ(find({client}), prefix);
  peer_.address = "unix";
  EXPECT_EQ(find({client}), "-");
}

TEST_F(KeyTest, BelievesTheProxyAboutTheClient) {
  const service::Peer forwarded{.address = "203.0.113.9"};
  service::Call call(loop_, peer_);
  call.client = &forwarded;
  const std::vector<KeySource> sources = {source(Kind::client_ip, "", "ip")};
  Key key;
  find_key(sources, request_, call, key);
  EXPECT_EQ(key.text, "203.0.113.9");
}

TEST_F(KeyTest, MintsOnceAndKnowsItsOwnAgain) {
  const std::vector<KeySource> sources = {source(Kind::mint, "tandem_id", "mint")};
  service::Call call(loop_, peer_);
  Key first, second;
  find_key(sources, request_, call, first);
  EXPECT_TRUE(first.is_minted);
  EXPECT_TRUE(is_minted(first.text));
  field("Cookie", "tandem_id=" + std::string(first.text));
  find_key(sources, request_, call, second);
  EXPECT_FALSE(second.is_minted);
  EXPECT_EQ(second.text, first.text);
}

TEST_F(KeyTest, ReplacesAnIdThatItDidNotMake) {
  for (const auto* text : {"", "1", "ABCDEF0123456789abcdef0123456789", "0123456789abcdef0123456789abcde"})
    EXPECT_FALSE(is_minted(text));
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(mint());
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(MintCookie, IsForTheServerAloneAndLastsAsLongAsAsked) {
  const KeySource source{Kind::mint, "tandem_id", 32, 128, "mint"};
  EXPECT_EQ(mint_cookie(source, "ab", Milliseconds(60'000), false),
            "tandem_id=ab; Max-Age=60; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_EQ(mint_cookie(source, "ab", Milliseconds(60'000), true),
            "tandem_id=ab; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure");
}

}  // namespace
}  // namespace tandem::experiment
