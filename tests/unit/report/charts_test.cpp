#include "report/charts.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>

namespace tandem::report::charts {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const Words kWords{"a picture", "what it shows"};

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

// The attribute of the nth element of that class.
double number_of(const std::string& svg, const std::string& css_class, const std::string& attribute, std::size_t nth = 0) {
  const std::regex wanted("class=\"" + css_class + "\"[^>]* " + attribute + "=\"([-0-9.]+)\"");
  auto match = std::sregex_iterator(svg.begin(), svg.end(), wanted);
  for (; nth > 0 && match != std::sregex_iterator(); --nth) ++match;
  return match == std::sregex_iterator() ? std::nan("") : std::stod((*match)[1]);
}

TEST(Charts, SpeakToThoseWhoDoNotSeeThem) {
  for (const auto& svg :
       {forest_plot(kWords, {{"mean", "0.5×", 0.4, 0.5, 0.6, 0.05}}), shift_plot(kWords, {{"p50", 0.4, 0.5, 0.6}}),
        heat_map(kWords, {0, 10, {1000, 2000}, {{1}}}), stacked_bars(kWords, {"queue"}, {{"py", "1 ms", {1}}}),
        time_plot(kWords, {0, 60, {{30, 0.4, 0.5, 0.6}}, {}, 0, ""})}) {
    EXPECT_NE(svg.find("role=\"img\""), std::string::npos);
    EXPECT_NE(svg.find("<title>a picture</title>"), std::string::npos);
    EXPECT_NE(svg.find("<desc>what it shows</desc>"), std::string::npos);
    EXPECT_NE(svg.find("viewBox=\"0 0 360 "), std::string::npos);
    for (const auto* colour : {"fill=\"", "stroke=\"", "style=\"", "#"})
      EXPECT_EQ(svg.find(colour), std::string::npos) << svg;
  }
}

TEST(Charts, WhatIsNoNumberIsEscaped) {
  const std::string hostile = "</text><script>alert('1')</script>&\"";
  const auto forest = forest_plot({hostile, hostile}, {{hostile, hostile, 0.4, 0.5, 0.6}});
  const auto shift = shift_plot({hostile, hostile}, {{hostile, 0.4, 0.5, 0.6}});
  const auto bars = stacked_bars({hostile, hostile}, {hostile}, {{hostile, hostile, {1}}});
  const auto time = time_plot({hostile, hostile}, {0, 60, {{30, 0.4, 0.5, 0.6}}, {{30, hostile}}, 1.5, hostile});
  for (const auto& svg : {forest, shift, bars, time}) {
    EXPECT_EQ(svg.find("<script"), std::string::npos) << svg;
    EXPECT_EQ(svg.find("&\""), std::string::npos) << svg;
    EXPECT_NE(svg.find("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"), std::string::npos) << svg;
  }
}

// A row that is symmetric about 1 stands in the middle of the picture.
TEST(ForestPlot, StandsOnALogAxis) {
  const auto svg = forest_plot(kWords, {{"mean", "", 0.5, 1, 2, 0.25}});
  EXPECT_NEAR(number_of(svg, "interval", "x1") + number_of(svg, "interval", "x2"), 360, 0.2);
  EXPECT_NEAR(number_of(svg, "one", "x1"), 180, 0.1);
  const double left = number_of(svg, "margin", "x"), width = number_of(svg, "margin", "width");
  EXPECT_NEAR(left + width / 2, 180, 0.2);
  // ln 1.25 / ln 2 of the way from 1 to the interval's end.
  EXPECT_NEAR(width / 2 / (180 - number_of(svg, "interval", "x1")), 0.3219, 0.002);
}

TEST(ForestPlot, OpenEndsAreArrowsAndRowsWithoutARatioAreWords) {
  EXPECT_EQ(count(forest_plot(kWords, {{"p99", "", 0.4, 0.5, 0.6}}), "class=\"end\""), 0u);
  EXPECT_EQ(count(forest_plot(kWords, {{"p99", "", 0.4, 0.5, kInfinity}}), "class=\"end\""), 1u);
  EXPECT_EQ(count(forest_plot(kWords, {{"p99", "", 0, 0.5, kInfinity}}), "class=\"end\""), 2u);
  EXPECT_EQ(count(forest_plot(kWords, {{"p99", "", 0.0001, 0.5, 0.6}}), "class=\"end\""), 1u) << "out of reach";
  const auto svg = forest_plot(kWords, {{"errors", "too little", 0, 0, 0, 0.05}});
  EXPECT_NE(svg.find(">too little</text>"), std::string::npos);
  EXPECT_EQ(count(svg, "class=\"interval\""), 0u);
}

TEST(ForestPlot, ShowsControlAgainstItself) {
  ForestRow row{"mean", "", 0.5, 1, 2, 0.25, 0.9, 1 / 0.9};
  const auto svg = forest_plot(kWords, {row});
  EXPECT_NEAR(number_of(svg, "noise", "x1") + number_of(svg, "noise", "x2"), 360, 0.2);
}

TEST(ShiftPlot, PutsEachQuantileAtItsHeight) {
  const auto svg = shift_plot(kWords, {{"p50", 0.5, 1, 2}, {"p99", 1, 2, kInfinity}});
  EXPECT_EQ(number_of(svg, "dot", "cy", 0), number_of(svg, "one", "y1"));
  EXPECT_LT(number_of(svg, "dot", "cy", 1), number_of(svg, "dot", "cy", 0)) << "more is higher";
  EXPECT_LT(number_of(svg, "dot", "cx", 0), number_of(svg, "dot", "cx", 1));
  EXPECT_EQ(count(svg, "class=\"band\""), 1u);
  EXPECT_EQ(svg.find("inf"), std::string::npos) << svg;
  EXPECT_EQ(svg.find("nan"), std::string::npos) << svg;
}

TEST(HeatMap, ShadesByTheShareOfTheColumn) {
  // Two columns, two rows: the first column's requests are in the lower row but for 1 in 50.
  const auto svg = heat_map(kWords, {1'700'000'000, 60, {1000, 2000, 4000}, {{49, 1}, {0, 7}}});
  const auto path_of = [&](const char* css_class) {
    std::smatch match;
    return std::regex_search(svg, match, std::regex(std::string("class=\"heat ") + css_class + "\" d=\"([^\"]*)\""))
               ? match[1].str()
               : std::string();
  };
  EXPECT_EQ(path_of("heat7"), "M52.0 93.0h150.0v85.0h-150.0zM202.0 8.0h150.0v85.0h-150.0z");
  EXPECT_EQ(path_of("heat3"), "M52.0 8.0h150.0v85.0h-150.0z") << "2 % is above 1 and below 3";
  EXPECT_EQ(path_of("heat1"), "");
  EXPECT_NE(svg.find(">22:14:00</text>"), std::string::npos) << svg;
  EXPECT_NE(svg.find(">2 µs</text>"), std::string::npos) << svg;
  EXPECT_EQ(heat_map(kWords, {}), "");
}

TEST(StackedBars, ShareOneScale) {
  const auto svg = stacked_bars(kWords, {"queue", "exec"}, {{"py", "4 ms", {1e6, 3e6}}, {"cpp", "1 ms", {0, 1e6}}});
  EXPECT_DOUBLE_EQ(number_of(svg, "part part1", "width", 0), 89);
  EXPECT_DOUBLE_EQ(number_of(svg, "part part2", "width", 0), 267);
  EXPECT_DOUBLE_EQ(number_of(svg, "part part2", "width", 1), 89);
  EXPECT_DOUBLE_EQ(number_of(svg, "part part2", "x", 0), 91);
  EXPECT_NE(stacked_bars(kWords, {"queue"}, {{"py", "", {0}}}).find("py"), std::string::npos)
      << "nothing is no division by it";
}

TEST(TimePlot, DrawsChangesAndTheBoundary) {
  const TimePlot plot{1000, 1100, {{1050, 0.5, 1, 2}, {1100, 0.8, 1, 1.25}}, {{1025, "1"}, {2000, "2"}}, 1.5, "guardrail"};
  const auto svg = time_plot(kWords, plot);
  EXPECT_EQ(count(svg, "class=\"mark\""), 1u) << "the other is not in the time that is shown";
  EXPECT_NEAR(number_of(svg, "mark", "x1"), 44 + 308 * 0.25, 0.1);
  EXPECT_NE(svg.find(">guardrail</text>"), std::string::npos);
  EXPECT_LT(number_of(svg, "boundary", "y1"), number_of(svg, "one", "y1"));
  EXPECT_EQ(count(time_plot(kWords, {1000, 1100, plot.points, {}, 0, ""}), "class=\"boundary\""), 0u);
  EXPECT_EQ(count(time_plot(kWords, {1000, 1100, {}, {}, 0, ""}), "class=\"curve\""), 0u);
}

TEST(TimePlot, ChangesTooCloseToEachOtherShareALabel) {
  TimePlot plot{0, 10'000, {{5'000, 0.5, 1, 2}}, {}, 0, ""};
  for (int i = 0; i < 100; ++i) plot.marks.push_back({5'000 + i, "mark"});
  const auto svg = time_plot(kWords, plot);
  EXPECT_EQ(count(svg, "class=\"mark\""), 100u);
  EXPECT_EQ(count(svg, ">mark</text>"), 1u);
}

}  // namespace
}  // namespace tandem::report::charts
