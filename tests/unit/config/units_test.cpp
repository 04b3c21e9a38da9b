#include "config/units.hpp"

#include <gtest/gtest.h>

namespace tandem::config {
namespace {

TEST(Units, ReadsDurations) {
  EXPECT_EQ(parse_duration("250ms").value(), Milliseconds(250));
  EXPECT_EQ(parse_duration("30s").value(), Milliseconds(30'000));
  EXPECT_EQ(parse_duration("5m").value(), Milliseconds(300'000));
  EXPECT_EQ(parse_duration("1h").value(), Milliseconds(3'600'000));
  EXPECT_EQ(parse_duration("0").value(), Milliseconds(0));
}

TEST(Units, RefusesWhatIsNoDuration) {
  for (const auto* text : {"", "s", "30", "30 s", "1.5s", "-1s", "+1s", "30S", "30sec", " 30s", "1h30m", "0x1s", "1d"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Units, RefusesDurationsThatOverflow) {
  EXPECT_TRUE(parse_duration("9223372036854775807ms"));
  EXPECT_FALSE(parse_duration("9223372036854775808ms"));
  EXPECT_FALSE(parse_duration("9223372036854775807s"));
  EXPECT_FALSE(parse_duration("99999999999999999999999s"));
}

TEST(Units, ReadsSizes) {
  EXPECT_EQ(parse_size("512B").value(), 512u);
  EXPECT_EQ(parse_size("64KiB").value(), 65'536u);
  EXPECT_EQ(parse_size("1MiB").value(), 1'048'576u);
  EXPECT_EQ(parse_size("1GiB").value(), 1'073'741'824u);
  EXPECT_EQ(parse_size("4096").value(), 4096u);
}

TEST(Units, RefusesSizesAndSaysWhatWasMeant) {
  for (const auto* text : {"", "KiB", "-1", "1.5MiB", "64 KiB", "99999999999999999999", "17179869184GiB"})
    EXPECT_FALSE(parse_size(text)) << text;
  EXPECT_NE(parse_size("64KB").error().message.find("did you mean \"64KiB\"?"), std::string::npos);
  EXPECT_NE(parse_size("20m").error().message.find("did you mean \"20MiB\"?"), std::string::npos);
}

TEST(Units, FormatsWithTheLargestUnitThatLosesNothing) {
  EXPECT_EQ(format_duration(Milliseconds(90'000)), "90s");
  EXPECT_EQ(format_duration(Milliseconds(0)), "0ms");
  EXPECT_EQ(format_size(1'048'576), "1MiB");
  EXPECT_EQ(format_size(1025), "1025B");
}

}  // namespace
}  // namespace tandem::config
