#include "top/screen.hpp"

#include <gtest/gtest.h>

#include "unit/top/made_up_news.hpp"

namespace tandem::top {
namespace {

using namespace std::chrono_literals;

constexpr Size kSize{12, 100};
const std::string kUrl = "http://127.0.0.1:9090";

std::string text_of(const Line& line) {
  std::string text;
  for (const auto& span : line) text += span.text;
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::vector<std::string> shown(const News& news, const Choices& choices = {}, Size size = kSize, TimePoint now = {}) {
  std::vector<std::string> lines;
  const auto screen = draw(news, choices, size, kUrl, now);
  for (const auto& line : screen.lines) lines.push_back(text_of(line));
  return lines;
}

TEST(Screen, FillsTheTerminal) {
  const std::vector<std::string> expected{
      "tandem 0.1.0 ready, pid 42, up 3m12s, generation 2  requests/s 253, connections 12.3k, CPU 93 %, RSS",
      "http://127.0.0.1:9090  pool python 1 of 2 ready, 3 of 1024 queued",
      " 1 routes  2 workers  3 experiments  4 differences  5 requests  6 stacks  7 audit",
      "ROUTE    ARM  BACKEND  TRAFFIC  REQ/S      P50      P99     5XX  TOTAL  PATH",
      "fib      cpp  native   25.25 %    250    18 µs  0.25 ms     0 %   1.2M  /fib/{n}",
      "fib      py   python   74.75 %    2.5  12.3 ms   1.23 s  <0.1 %   9999  /fib/{n}",
      "/straße  -    native         -      -        -        -       -      0  /straße",
      "-        -    native         -      0        -        -     0 %      5  (no route)",
      "",
      "",
      "",
      "? help  q quit  / filter  s sort  r reverse",
  };
  EXPECT_EQ(shown(made_up_news()), expected);
}

TEST(Screen, IsNeverGreaterThanTheTerminal) {
  auto news = made_up_news();
  Choices choices;
  for (const auto view : kViews)
    for (const bool is_helping : {false, true})
      for (std::size_t rows = 0; rows < 14; ++rows)
        for (const std::size_t columns : {0, 1, 9, 40}) {
          choices.view = view;
          choices.is_helping = is_helping;
          const auto screen = draw(news, choices, {rows, columns}, kUrl, {});
          EXPECT_EQ(screen.lines.size(), rows);
          for (const auto& line : screen.lines) {
            std::size_t width = 0;
            for (const auto& span : line)
              for (const char c : span.text) width += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
            EXPECT_LE(width, columns);
          }
        }
}

TEST(Screen, SortsNumbersDownAndWordsUp) {
  Choices choices;
  choices.sort() = 4;
  const auto by_rate = shown(made_up_news(), choices);
  EXPECT_TRUE(by_rate[4].starts_with("fib      cpp")) << by_rate[4];
  EXPECT_TRUE(by_rate[6].starts_with("-  ")) << "none is less than little, nothing known least";
  choices.sort() = 0;
  EXPECT_TRUE(shown(made_up_news(), choices)[4].starts_with("-  "));
  choices.is_reversed = true;
  EXPECT_TRUE(shown(made_up_news(), choices)[7].starts_with("-  "));
  choices.sort() = 99;  // no such column in this view
  EXPECT_EQ(shown(made_up_news(), choices).size(), kSize.rows);
}

TEST(Screen, FiltersInAnyCaseAndSaysSo) {
  Choices choices;
  choices.filter = "PYTH";
  const auto lines = shown(made_up_news(), choices);
  EXPECT_TRUE(lines[4].find("python") != std::string::npos) << lines[4];
  EXPECT_EQ(lines[5], "");
  EXPECT_TRUE(lines.back().starts_with("only \"PYTH\"")) << lines.back();
  choices.filter = "nowhere";
  EXPECT_EQ(shown(made_up_news(), choices)[4], "nothing has \"nowhere\"");
  choices.is_typing = true;
  EXPECT_EQ(shown(made_up_news(), choices).back(), "filter: nowhere");
}

TEST(Screen, ShowsTheRowsThatFit) {
  Choices choices;
  choices.first = 1;
  const Size small{7, 100};
  auto lines = shown(made_up_news(), choices, small);
  EXPECT_TRUE(lines[4].starts_with("fib      py"));
  EXPECT_TRUE(lines.back().starts_with("rows 2 to 3 of 4")) << lines.back();
  choices.first = 50;  // there were more
  lines = shown(made_up_news(), choices, small);
  EXPECT_TRUE(lines.back().starts_with("rows 3 to 4 of 4")) << lines.back();
  const auto extent = draw(made_up_news(), choices, small, kUrl, {}).extent;
  EXPECT_EQ(extent.rows, 4U);
  EXPECT_EQ(extent.page, 2U);
  EXPECT_EQ(extent.columns, 10U);
}

TEST(Screen, SaysThatTheFiguresAreOld) {
  auto news = made_up_news();
  EXPECT_TRUE(shown(news, {}, kSize, news.last + 2s).back().starts_with("? help"));
  EXPECT_EQ(shown(news, {}, kSize, news.last + 61s).back(), "no news for 61 s");
  news.lose(Error("no server answers at http://127.0.0.1:9090 (Connection refused)"));
  EXPECT_EQ(shown(news).back(), "no server answers at http://127.0.0.1:9090 (Connection refused); trying again");
}

TEST(Screen, ObeysNothingThatTheServerSends) {
  News news;
  news.tell("audit", R"({"entries": [{"at": "1", "experiment": "a\u001b[2J", "from": 0, "to": 1, "action": "b\u009b1m",
                         "actor": "c\u007f", "reason": "d\ne\u00fc"}]})",
            {});
  Choices choices;
  choices.view = View::audit;
  choices.filter = "a\x1b";
  const auto lines = shown(news, choices);
  EXPECT_EQ(lines[3], "AT  EXPERIMENT    REV  ACTION  BY  REASON");
  EXPECT_EQ(lines[4], "1   a?[2J       0 > 1  b?1m    c?  d?eü");
  EXPECT_TRUE(lines.back().starts_with("only \"a?\""));
}

TEST(Screen, TellsWhatItDidNotUnderstand) {
  News news;
  news.tell("routes", R"({"routes": 1})", {});
  news.tell("workers", R"({"workers": {}})", {});
  news.tell("experiments", R"({"experiments": [1]})", {});
  EXPECT_EQ(shown(news)[3], "the answer is not what Tandem's admin side sends");
}

TEST(Screen, PrintsRoutesWorkersAndExperiments) {
  const auto text = print(made_up_news());
  ASSERT_TRUE(text.ok());
  EXPECT_TRUE(text->starts_with("0.1.0 ready, pid 42")) << *text;
  EXPECT_NE(text->find("\n\nROUTE "), std::string::npos);
  EXPECT_NE(text->find("\n\nPOOL "), std::string::npos);
  EXPECT_NE(text->find("\n\nEXPERIMENT "), std::string::npos);
  EXPECT_EQ(text->find(" \n"), std::string::npos) << "no line ends with a blank";
  const auto nothing = print(News());
  ASSERT_TRUE(nothing.ok());
  EXPECT_NE(nothing->find("no routes yet"), std::string::npos);
}

}  // namespace
}  // namespace tandem::top
