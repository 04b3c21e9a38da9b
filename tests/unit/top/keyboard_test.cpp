#include "top/keyboard.hpp"

#include <gtest/gtest.h>

namespace tandem::top {
namespace {

constexpr Extent kExtent{3, 10, 4};

void type(Choices& choices, std::string_view keys) {
  for (const char key : keys) EXPECT_TRUE(press(choices, {Key::Kind::character, key}, kExtent));
}

TEST(Keyboard, ShowsAnotherView) {
  Choices choices;
  type(choices, "3");
  EXPECT_EQ(choices.view, View::experiments);
  type(choices, "7\t");
  EXPECT_EQ(choices.view, View::routes) << "round and round";
  type(choices, "890x");
  EXPECT_EQ(choices.view, View::routes);
}

TEST(Keyboard, ScrollsWithinTheRows) {
  Choices choices;
  const auto after = [&choices](Key::Kind kind) {
    EXPECT_TRUE(press(choices, {kind}, kExtent));
    return choices.first;
  };
  EXPECT_EQ(after(Key::Kind::up), 0U);
  EXPECT_EQ(after(Key::Kind::down), 1U);
  EXPECT_EQ(after(Key::Kind::page_down), 5U);
  EXPECT_EQ(after(Key::Kind::page_down), 6U) << "the last row is at the bottom";
  EXPECT_EQ(after(Key::Kind::page_up), 2U);
  EXPECT_EQ(after(Key::Kind::end), 6U);
  EXPECT_EQ(after(Key::Kind::home), 0U);
  type(choices, "jjk");
  EXPECT_EQ(choices.first, 1U);
  choices.first = 100;  // there were more
  EXPECT_EQ(after(Key::Kind::up), 5U);
  type(choices, "2");
  EXPECT_EQ(choices.first, 0U) << "another view begins at its top";
}

TEST(Keyboard, SortsEachViewByItsOwnColumn) {
  Choices choices;
  type(choices, "ss2s");
  EXPECT_EQ(choices.sort(), 0U);
  type(choices, "1");
  EXPECT_EQ(choices.sort(), 1U);
  type(choices, "ss");
  EXPECT_EQ(choices.sort(), std::nullopt) << "after the last column, as told";
  type(choices, "r");
  EXPECT_TRUE(choices.is_reversed);
}

TEST(Keyboard, WhatIsTypedIntoTheFilterIsNoCommand) {
  Choices choices;
  type(choices, "/qs2\xC3\xBC");
  EXPECT_EQ(choices.filter, "qs2ü");
  EXPECT_EQ(choices.view, View::routes);
  press(choices, {Key::Kind::backspace}, kExtent);
  EXPECT_EQ(choices.filter, "qs2") << "a character, whatever its bytes";
  press(choices, {Key::Kind::enter}, kExtent);
  EXPECT_FALSE(choices.is_typing);
  EXPECT_EQ(choices.filter, "qs2");
  press(choices, {Key::Kind::escape}, kExtent);
  EXPECT_EQ(choices.filter, "");
  type(choices, "/abc");
  press(choices, {Key::Kind::escape}, kExtent);
  EXPECT_EQ(choices.filter, "");
  EXPECT_FALSE(choices.is_typing);
  type(choices, "/");
  press(choices, {Key::Kind::backspace}, kExtent);
  EXPECT_TRUE(choices.is_typing);
}

TEST(Keyboard, AnyKeyEndsTheHelpAndDoesNothingElse) {
  Choices choices;
  type(choices, "?");
  EXPECT_TRUE(choices.is_helping);
  type(choices, "2");
  EXPECT_FALSE(choices.is_helping);
  EXPECT_EQ(choices.view, View::routes);
}

TEST(Keyboard, LeavesWithQ) {
  Choices choices;
  EXPECT_FALSE(press(choices, {Key::Kind::character, 'q'}, kExtent));
  choices.is_helping = true;
  EXPECT_FALSE(press(choices, {Key::Kind::character, 'q'}, kExtent));
}

}  // namespace
}  // namespace tandem::top
