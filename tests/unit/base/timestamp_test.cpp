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

TEST(Timestamp, IsReadAsItIsWritten) {
  for (const auto when : {WallTime{}, WallTime{1795428000123ms}, WallTime{951782400000ms}})
    EXPECT_EQ(parse_timestamp(format_timestamp(when)), when);
  EXPECT_EQ(parse_timestamp("2026-11-23T10:00:00Z"), WallTime{1795428000000ms});
  EXPECT_EQ(parse_timestamp("2026-11-23T10:00:00.5Z"), WallTime{1795428000500ms});
  EXPECT_EQ(parse_timestamp("2026-11-23T10:00:00.123456Z"), WallTime{1795428000123ms});
  for (const auto* text : {"", "2026-11-23", "2026-11-23T10:00:00", "2026-11-23T10:00:00+01:00", "2026-02-30T10:00:00Z",
                           "2026-11-23T24:00:00Z", "2026-11-23T10:00:00.Z", "2026-11-23T10:00:00Zx", "2026-1-23T10:00:00Z"})
    EXPECT_FALSE(parse_timestamp(text)) << text;
}

}  // namespace
}  // namespace tandem
