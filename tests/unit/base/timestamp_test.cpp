#include "base/timestamp.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace std::chrono_literals;
using WallTime = std::chrono::system_clock::time_point;

TEST(Timestamp, IsUtcWithMilliseconds) {
  EXPECT_EQ(format_timestamp(WallTime{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_timestamp(WallTime{1795428000123ms}), "2026-11-23T10:00:00.123Z");
  EXPECT_EQ(format_timestamp(WallTime{1795428000999ms} + 999us), "2026-11-23T10:00:00.999Z");
  EXPECT_EQ(format_timestamp(WallTime{951782400000ms}), "2000-02-29T00:00:00.000Z");
}

TEST(Timestamp, RoundsDownBeforeTheEpochToo) { EXPECT_EQ(format_timestamp(WallTime{-1ms}), "1969-12-31T23:59:59.999Z"); }

}  // namespace
}  // namespace tandem
