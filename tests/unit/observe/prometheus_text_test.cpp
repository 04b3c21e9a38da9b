#include "observe/prometheus_text.hpp"

#include <gtest/gtest.h>

#include "observe/metrics.hpp"

namespace tandem::observe {
namespace {

TEST(PrometheusText, SecondsAreExactDecimals) {
  EXPECT_EQ(format_seconds(0), "0");
  EXPECT_EQ(format_seconds(1), "0.000000001");
  EXPECT_EQ(format_seconds(4096), "0.000004096");
  EXPECT_EQ(format_seconds(1'500'000'000), "1.5");
  EXPECT_EQ(format_seconds(8'589'934'592), "8.589934592");
  EXPECT_EQ(format_seconds(30'000'000'000), "30");
}

TEST(PrometheusText, LabelsAndHelpAreEscaped) {
  EXPECT_EQ(escape_label("a\"b\\c\nd"), R"(a\"b\\c\nd)");
  EXPECT_EQ(escape_help("a\"b\\c\nd"), "a\"b\\\\c\\nd");
}

TEST(PrometheusText, AFamilyThatComesFromTwoPlacesIsOneBlock) {
  PrometheusText text;
  text.merge("# HELP workers By state.\n# TYPE workers gauge\nworkers{pool=\"a\"} 1\n# TYPE other counter\nother 5\n");
  text.merge("# HELP workers In other words.\n# TYPE workers gauge\nworkers{pool=\"b\"} 2");
  EXPECT_EQ(text.text(),
            "# HELP workers By state.\n# TYPE workers gauge\nworkers{pool=\"a\"} 1\nworkers{pool=\"b\"} 2\n"
            "# TYPE other counter\nother 5\n");
}

// A pool and the one that replaces it are there together for a while.
TEST(PrometheusText, EqualSeriesBecomeTheirSum) {
  PrometheusText text;
  text.merge("# TYPE workers gauge\nworkers{pool=\"a b\"} 1\nworkers{pool=\"a\"} 2\n");
  text.merge("# TYPE workers gauge\nworkers{pool=\"a\"} 40\nworkers{pool=\"a b\"} 3\nworkers{pool=\"c\"} 0\n");
  EXPECT_EQ(text.text(), "# TYPE workers gauge\nworkers{pool=\"a b\"} 4\nworkers{pool=\"a\"} 42\nworkers{pool=\"c\"} 0\n");
}

TEST(PrometheusText, HistogramSamplesStayInTheirFamily) {
  const std::string given =
      "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.5\nh_count 2\n"
      "# TYPE lonely untyped\nlonely 7\n";
  PrometheusText text;
  text.merge("# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 0.5\nh_count 2\n\n# a comment\nlonely 7\n");
  EXPECT_EQ(text.text(), given);
}

TEST(PrometheusText, HistogramLinesAreCumulativeAndEndWithAll) {
  Histogram histogram;
  for (const int ns : {100, 4095, 4096, 5000, 1'000'000}) histogram.record(Nanoseconds(ns));
  std::string out;
  const std::uint64_t borders[] = {4096, 8192};
  append_histogram(out, "t", "route=\"/\"", histogram.snapshot(), borders);
  EXPECT_EQ(out,
            "t_bucket{route=\"/\",le=\"0.000004096\"} 2\n"
            "t_bucket{route=\"/\",le=\"0.000008192\"} 4\n"
            "t_bucket{route=\"/\",le=\"+Inf\"} 5\n"
            "t_sum{route=\"/\"} 0.001013291\n"
            "t_count{route=\"/\"} 5\n");
}

TEST(PrometheusText, SamplesWithoutLabelsHaveNoBraces) {
  std::string out;
  append_sample(out, "a", "", std::int64_t{-3});
  append_sample(out, "b", "c=\"d\"", "1.5");
  EXPECT_EQ(out, "a -3\nb{c=\"d\"} 1.5\n");
}

}  // namespace
}  // namespace tandem::observe
