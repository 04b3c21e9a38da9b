#include "config/listen.hpp"

#include <gtest/gtest.h>

namespace tandem::config {
namespace {

TEST(Listen, ReadsAddresses) {
  const auto v4 = parse_listen("127.0.0.1:8080").value();
  EXPECT_EQ(v4.host, "127.0.0.1");
  EXPECT_EQ(v4.port, 8080);
  EXPECT_EQ(v4.text, "127.0.0.1:8080");
  const auto v6 = parse_listen("[::1]:0").value();
  EXPECT_EQ(v6.host, "::1");
  EXPECT_EQ(v6.port, 0);
  EXPECT_EQ(parse_listen("localhost:65535").value().port, 65535);
  const auto socket = parse_listen("unix:/run/tandem.sock").value();
  EXPECT_EQ(socket.kind, net::ListenOptions::Kind::unix_socket);
  EXPECT_EQ(socket.path, "/run/tandem.sock");
}

TEST(Listen, RefusesWhatIsNoAddress) {
  for (const auto* text :
       {"", "8080", ":8080", "*:8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80a",
        "::1:8080", "[::1]", "[::g]:80", "example.org:80", "256.0.0.1:80", "unix:", "127.0.0.1:+80", "[]:80"})
    EXPECT_FALSE(parse_listen(text)) << text;
  EXPECT_FALSE(parse_listen("unix:/" + std::string(107, 'x')));
  EXPECT_TRUE(parse_listen("unix:/" + std::string(106, 'x')));
}

TEST(Listen, SaysHowToWriteIt) {
  EXPECT_NE(parse_listen(":8080").error().message.find("\"0.0.0.0:8080\""), std::string::npos);
  EXPECT_NE(parse_listen("fe80::1:8080").error().message.find("brackets"), std::string::npos);
}

TEST(Listen, KnowsWhatOnlyThisMachineReaches) {
  for (const auto* text : {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix:/x"})
    EXPECT_TRUE(is_local(parse_listen(text).value())) << text;
  for (const auto* text : {"0.0.0.0:1", "10.0.0.1:1", "[::]:1", "[fe80::1]:1", "[::ffff:10.0.0.1]:1"})
    EXPECT_FALSE(is_local(parse_listen(text).value())) << text;
}

TEST(Listen, ComparesAddresses) {
  const auto same = [](const char* a, const char* b) {
    return is_same_address(parse_listen(a).value(), parse_listen(b).value());
  };
  EXPECT_TRUE(same("0.0.0.0:80", "0.0.0.0:80"));
  EXPECT_FALSE(same("0.0.0.0:0", "0.0.0.0:0"));
  EXPECT_FALSE(same("0.0.0.0:80", "[::]:80"));
  EXPECT_TRUE(same("unix:/a", "unix:/a"));
}

}  // namespace
}  // namespace tandem::config
