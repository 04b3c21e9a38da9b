#include "top/news.hpp"

#include <gtest/gtest.h>

namespace tandem::top {
namespace {

using namespace std::chrono_literals;

TEST(News, KeepsTheNewestOfEachKind) {
  News news;
  EXPECT_TRUE(news.document("workers").is_null());
  news.tell("workers", R"({"workers": [1]})", TimePoint(1s));
  news.tell("workers", R"({"workers": [2]})", TimePoint(2s));
  news.tell("report", R"({"experiment": "a", "n": 1})", TimePoint(3s));
  news.tell("report", R"({"experiment": "b", "n": 2})", TimePoint(3s));
  EXPECT_EQ(news.document("workers").at("workers").at(0), 2);
  EXPECT_EQ(news.document("report a").at("n"), 1);
  EXPECT_EQ(news.document("report b").at("n"), 2);
  EXPECT_EQ(news.last, TimePoint(3s));
}

TEST(News, KnowsTheProcessorsSpentBetweenTwoLooks) {
  News news;
  news.tell("status", R"({"cpu_seconds": 10.0, "uptime_seconds": 100})", {});
  EXPECT_EQ(news.cpu(), std::nullopt);
  news.tell("status", R"({"cpu_seconds": 11.5, "uptime_seconds": 101})", {});
  EXPECT_DOUBLE_EQ(news.cpu().value(), 1.5);
  EXPECT_EQ(news.looks, 2U);
  news.tell("status", R"({"cpu_seconds": 0.1, "uptime_seconds": 1})", {});
  EXPECT_EQ(news.cpu(), std::nullopt) << "another process";
  EXPECT_EQ(news.looks, 1U);
}

TEST(News, ALossLastsUntilTheNextNews) {
  News news;
  news.lose(Error("no server answers"));
  EXPECT_EQ(news.loss, "no server answers");
  news.tell("routes", "{}", {});
  EXPECT_EQ(news.loss, "");
}

TEST(News, WhatIsNoDocumentIsALossAndChangesNothing) {
  News news;
  news.tell("routes", R"({"routes": []})", TimePoint(1s));
  const std::pair<const char*, const char*> cases[] = {
      {"routes", "no JSON"}, {"report", "[]"}, {"report", "{}"}, {"status", "{}"}};
  for (const auto& [name, text] : cases) {
    news.loss.clear();
    news.tell(name, text, TimePoint(2s));
    EXPECT_EQ(news.loss, "the answer is not what Tandem's admin side sends") << text;
  }
  EXPECT_TRUE(news.document("routes").contains("routes"));
  EXPECT_EQ(news.last, TimePoint(1s));
}

}  // namespace
}  // namespace tandem::top
