#include "python/outbox.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace tandem::python {
namespace {

// Streams whose next piece is always there before the last has been written.
TEST(Outbox, HoldsWhatIsUnwrittenAndLittleMoreWhenItIsNeverEmpty) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  Outbox outbox(ends[1]);
  const std::string piece(1 << 16, 'x');
  std::string received(piece.size(), '\0');
  std::size_t longest = 0;
  std::size_t taken = 0;
  std::size_t put = 0;
  constexpr std::size_t kAhead = 1 << 20;
  constexpr std::size_t kEnough = 64 << 20;
  while (taken < kEnough) {
    for (; put < taken + kAhead; put += piece.size()) outbox.out().append(piece);
    EXPECT_FALSE(outbox.flush());
    longest = std::max(longest, outbox.out().size());
    const auto got = ::recv(ends[0], received.data(), received.size(), 0);
    ASSERT_GT(got, 0);
    taken += static_cast<std::size_t>(got);
  }
  EXPECT_LE(longest, 3 * kAhead);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Outbox, WritesEveryByteOnceAndInOrder) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  Outbox outbox(ends[1]);
  std::string all;
  for (int number = 0; number < 200000; ++number) all += std::to_string(number) + ",";
  outbox.out() = all;
  std::string received;
  std::string part(50000, '\0');
  while (!outbox.flush() || received.size() < all.size()) {
    const auto got = ::recv(ends[0], part.data(), part.size(), 0);
    ASSERT_GT(got, 0);
    received.append(part, 0, static_cast<std::size_t>(got));
  }
  EXPECT_TRUE(outbox.empty());
  EXPECT_TRUE(received == all);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace tandem::python
