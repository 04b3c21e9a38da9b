#include "base/network.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(Network, Contains) {
  struct Row {
    const char* network;
    const char* address;
    bool inside;
  };
  for (const auto& row : {
           Row{"10.0.0.0/8", "10.255.0.1", true},
           Row{"10.0.0.0/8", "11.0.0.1", false},
           Row{"192.0.2.7", "192.0.2.7", true},
           Row{"192.0.2.7", "192.0.2.8", false},
           Row{"192.0.2.128/25", "192.0.2.127", false},
           Row{"192.0.2.128/25", "192.0.2.200", true},
           Row{"0.0.0.0/0", "203.0.113.9", true},
           Row{"0.0.0.0/0", "2001:db8::1", false},
           Row{"::/0", "2001:db8::1", true},
           Row{"fd00::/8", "fdff::1", true},
           Row{"fd00::/8", "fe00::1", false},
           Row{"2001:db8::/33", "2001:db8:7fff::1", true},
           Row{"2001:db8::/33", "2001:db8:8000::1", false},
           Row{"10.0.0.0/8", "::ffff:10.1.2.3", true},
       }) {
    const auto network = Network::parse(row.network);
    ASSERT_TRUE(network.ok()) << row.network;
    const auto address = Address::parse(row.address);
    ASSERT_TRUE(address.has_value()) << row.address;
    EXPECT_EQ(network->contains(*address), row.inside) << row.network << " " << row.address;
  }
}

TEST(Network, RefusesWhatIsNone) {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.1/8", "10.0.0/8", "host", "::/129", "fe80::1%eth0", "10.0.0.0/",
                           "10.0.0.0/x", "fd00::1/8"})
    EXPECT_FALSE(Network::parse(text).ok()) << text;
}

TEST(Address, KnowsLoopback) {
  for (const char* text : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(Address::parse(text)->is_loopback());
  for (const char* text : {"126.0.0.1", "::2", "2001:db8::7f00:1"})
    EXPECT_FALSE(Address::parse(text)->is_loopback()) << text;
}

}  // namespace
}  // namespace tandem
