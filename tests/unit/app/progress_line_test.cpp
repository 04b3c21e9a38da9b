#include "app/progress_line.hpp"

#include <gtest/gtest.h>

namespace tandem::app {
namespace {

TEST(ProgressText, SaysHowFarAndHowLong) {
  EXPECT_EQ(progress_text("pair 3 of 8: py", 0.31, std::chrono::seconds(80), 100),
            "[######..............] 31 %  1 min 20 s left  pair 3 of 8: py");
  EXPECT_EQ(progress_text("x", 7, std::chrono::seconds(-1), 100), "[####################] 100 %  0 s left  x");
}

TEST(ProgressText, FitsIntoTheTerminal) {
  EXPECT_EQ(progress_text(std::string(200, 'x'), 0.5, std::chrono::seconds(1), 40).size(), 39U);
}

}  // namespace
}  // namespace tandem::app
