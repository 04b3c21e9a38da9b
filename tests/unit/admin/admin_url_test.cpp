#include "admin/admin_url.hpp"

#include <gtest/gtest.h>

namespace tandem::admin {
namespace {

TEST(AdminUrl, NamesHostAndPort) {
  const std::tuple<const char*, const char*, const char*, const char*> cases[] = {
      {"http://127.0.0.1:9091", "127.0.0.1", "9091", "127.0.0.1:9091"},
      {"http://localhost/", "localhost", "9090", "localhost:9090"},
      {"box:1", "box", "1", "box:1"},
      {"http://[::1]:9091/", "::1", "9091", "[::1]:9091"},
      {"[::1]", "::1", "9090", "[::1]:9090"},
  };
  for (const auto& [url, host, port, authority] : cases) {
    const auto address = parse_admin_url(url);
    ASSERT_TRUE(address.ok()) << url;
    EXPECT_EQ(address->host, host);
    EXPECT_EQ(address->port, port);
    EXPECT_EQ(address->authority(), authority);
  }
}

TEST(AdminUrl, NamesAUnixSocket) {
  for (const char* url : {"unix:/run/tandem.sock", "unix:///run/tandem.sock"}) {
    const auto address = parse_admin_url(url);
    ASSERT_TRUE(address.ok()) << url;
    EXPECT_EQ(address->path, "/run/tandem.sock");
    EXPECT_EQ(address->authority(), "localhost");
  }
  EXPECT_FALSE(parse_admin_url("unix:" + std::string(200, 'x')).ok());
}

TEST(AdminUrl, EncodesWhatIsNotUnreserved) { EXPECT_EQ(percent_encoded("/fib/{n} ü~"), "%2Ffib%2F%7Bn%7D%20%C3%BC%7E"); }

}  // namespace
}  // namespace tandem::admin
