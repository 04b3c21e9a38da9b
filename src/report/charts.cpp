#include "report/charts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <string_view>

#include "report/axis.hpp"
#include "report/format.hpp"
#include "report/html_page.hpp"

namespace tandem::report::charts {
namespace {

constexpr double kWidth = 360;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// A picture shows what lies within this factor of what is measured; an interval that goes on beyond ends in an arrow.
constexpr double kReach = 8;

// An element "name" with attributes, by name and value.
using Attributes = std::initializer_list<std::pair<std::string_view, std::string>>;
std::string element(std::string_view name, std::string_view css_class, const Attributes& attributes) {
  std::string text = "<" + std::string(name) + " class=\"" + std::string(css_class) + "\"";
  for (const auto& [key, value] : attributes) text.append(" ").append(key).append("=\"").append(value).append("\"");
  return text + "/>\n";
}

std::string line(std::string_view css_class, double x1, double y1, double x2, double y2) {
  return element("line", css_class,
                 {{"x1", coordinate(x1)}, {"y1", coordinate(y1)}, {"x2", coordinate(x2)}, {"y2", coordinate(y2)}});
}

std::string rectangle(std::string_view css_class, double x, double y, double width, double height) {
  return element("rect", css_class,
                 {{"x", coordinate(x)}, {"y", coordinate(y)}, {"width", coordinate(width)}, {"height", coordinate(height)}});
}

std::string path(std::string_view css_class, const std::string& data) {
  return data.empty() ? "" : element("path", css_class, {{"d", data}});
}

std::string point(double x, double y) { return coordinate(x) + " " + coordinate(y); }

// `css_class`: "start", "middle" or "end-of" says which end of the words stands there.
std::string words_at(std::string_view css_class, double x, double y, std::string_view text) {
  return "<text class=\"" + std::string(css_class) + "\" x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\">" +
         escaped(text) + "</text>\n";
}

// A label under a place on an axis, inside of the picture.
std::string label_under(double x, double y, std::string_view text) {
  const double half = 3.4 * static_cast<double>(text.size());  // of its width
  return words_at("middle", std::clamp(x, half + 1, kWidth - half - 1), y, text);
}

std::string picture(const Words& words, double height, const std::string& content) {
  return "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 360 " + coordinate(height) + "\" aria-label=\"" +
         escaped(words.title) + "\">\n<title>" + escaped(words.title) + "</title>\n<desc>" + escaped(words.description) +
         "</desc>\n" + content + "</svg>\n";
}

// The values that an axis of ratios has to show.
class Reach {
 public:
  void show(double value) {
    if (!(value > 0) || std::isinf(value)) return;
    least_ = std::min(least_, value);
    most_ = std::max(most_, value);
  }
  // Only as far as the others allow.
  void show_if_near(double value) {
    if (value > 0 && !std::isinf(value)) near_.push_back(value);
  }
  LogAxis axis(double from, double to) const {
    double low = least_, high = most_;
    for (const double value : near_) {
      low = std::min(low, std::max(value, least_ / kReach));
      high = std::max(high, std::min(value, most_ * kReach));
    }
    const double room = std::pow(high / low, 0.06);
    return {low / room, high * room, from, to};
  }

 private:
  double least_ = 1 / 1.1, most_ = 1.1;  // 1 is what ratios are read against
  std::vector<double> near_;
};

// "0.5", "1.25".
std::string ratio_label(double ratio) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", ratio);
  return text;
}

// --- forest ----------------------------------------------------------------------------------------------

constexpr double kForestRow = 40;

std::string arrow(double x, double y, double direction) {
  return path("end", "M" + point(x - 6 * direction, y - 4) + "L" + point(x, y) + "L" + point(x - 6 * direction, y + 4));
}

std::string interval_line(const LogAxis& axis, const ForestRow& row, double y) {
  auto drawn = line("interval", axis.at(row.low), y, axis.at(row.high), y);
  const auto end = [&](double value, bool is_outside, double direction) {
    const double x = axis.at(value);
    drawn += is_outside ? arrow(x, y, direction) : line("interval", x, y - 4, x, y + 4);
  };
  end(row.low, axis.is_below(row.low), -1);
  end(row.high, axis.is_above(row.high), 1);
  const double x = axis.at(row.mid);
  return drawn + path("mid", "M" + point(x, y - 5.5) + "l5.5 5.5l-5.5 5.5l-5.5 -5.5z");
}

// `values`: of the grid, which leaves the words alone.
std::string forest_row(const LogAxis& axis, const std::vector<double>& values, const ForestRow& row, double top) {
  std::string drawn;
  if (row.margin > 0) {
    const double left = axis.at(1 / (1 + row.margin));
    drawn += rectangle("margin", left, top + 17, axis.at(1 + row.margin) - left, 20);
  }
  for (const double value : values)
    drawn += line(value == 1 ? "one" : "grid", axis.at(value), top + 17, axis.at(value), top + 37);
  drawn += words_at("start strong", 2, top + 12, row.label) + words_at("end-of", kWidth - 2, top + 12, row.value);
  if (row.noise_high > 0) drawn += line("noise", axis.at(row.noise_low), top + 35, axis.at(row.noise_high), top + 35);
  if (row.mid > 0) drawn += interval_line(axis, row, top + 26);
  return drawn;
}

// --- axes of pictures over the quantiles or time ---------------------------------------------------------

std::string ratio_axis(const LogAxis& axis, double left, double right) {
  std::string drawn;
  for (const double value : ticks(axis, 20)) {
    const double y = axis.at(value);
    drawn += line(value == 1 ? "one" : "grid", left, y, right, y) + words_at("end-of", left - 4, y + 4, ratio_label(value));
  }
  return drawn;
}

std::string time_axis(const TimeAxis& axis, double top, double bottom) {
  std::string drawn;
  for (const auto& tick : ticks(axis)) {
    const double x = axis.at(tick.unix_seconds);
    drawn += line("grid", x, top, x, bottom);
    drawn += label_under(x, bottom + 14, tick.label);
  }
  return drawn;
}

// A band as one outline: along its upper edge, back along the lower one.
struct Edge {
  double x, low, high;
};
std::string band(const std::vector<Edge>& edges) {
  if (edges.empty()) return "";
  std::string data;
  for (const auto& edge : edges) data += (data.empty() ? "M" : "L") + point(edge.x, edge.high);
  for (auto edge = edges.rbegin(); edge != edges.rend(); ++edge) data += "L" + point(edge->x, edge->low);
  return path("band", data + "z");
}

bool is_interval(double low, double high) { return low <= high && high > 0; }

// --- heat ------------------------------------------------------------------------------------------------

// Shares of a column's values; classes heat1 to heat7.
constexpr std::array<double, 7> kLevels{0, 0.001, 0.01, 0.03, 0.1, 0.25, 0.5};

std::size_t level_of(double share) {
  std::size_t level = 0;
  while (level + 1 < kLevels.size() && share >= kLevels[level + 1]) ++level;
  return level;
}

// Rows are of one height; between their borders the axis is straight.
double height_of(const std::vector<double>& borders, double value) {
  const auto above = std::upper_bound(borders.begin(), borders.end(), value);
  if (above == borders.begin()) return 0;
  if (above == borders.end()) return static_cast<double>(borders.size() - 1);
  const auto below = std::prev(above);
  return static_cast<double>(below - borders.begin()) + (value - *below) / (*above - *below);
}

}  // namespace

std::string forest_plot(const Words& words, const std::vector<ForestRow>& rows) {
  Reach reach;
  for (const auto& row : rows) {
    reach.show(row.mid);
    reach.show(1 / (1 + row.margin) / 1.02);
    reach.show((1 + row.margin) * 1.02);
    if (!(row.mid > 0)) continue;
    reach.show_if_near(row.low);
    reach.show_if_near(row.high);
  }
  const auto axis = reach.axis(8, kWidth - 8);
  const double bottom = kForestRow * static_cast<double>(rows.size()) + 2;
  const auto values = ticks(axis, 36);
  std::string drawn;
  double top = 0;
  for (const auto& row : rows) {
    drawn += forest_row(axis, values, row, top);
    top += kForestRow;
  }
  for (const double value : values) drawn += label_under(axis.at(value), bottom + 14, ratio_label(value));
  drawn += words_at("start soft", 2, bottom + 30, "← less than control") +
           words_at("end-of soft", kWidth - 2, bottom + 30, "more than control →");
  return picture(words, bottom + 36, drawn);
}

std::string shift_plot(const Words& words, const std::vector<ShiftPoint>& points) {
  constexpr double kLeft = 44, kRight = kWidth - 10, kTop = 8, kBottom = 190;
  Reach reach;
  for (const auto& one : points) {
    reach.show(one.mid);
    reach.show_if_near(one.low);
    reach.show_if_near(one.high);
  }
  const auto axis = reach.axis(kBottom, kTop);
  const double step = points.size() > 1 ? (kRight - kLeft - 20) / static_cast<double>(points.size() - 1) : 0;
  std::vector<Edge> edges;
  std::string curve, marks, labels;
  double x = kLeft + 10, free_from = 0;
  for (const auto& one : points) {
    edges.push_back({x, axis.at(one.low), axis.at(one.high)});
    if (one.mid > 0) {
      curve += (curve.empty() ? "M" : "L") + point(x, axis.at(one.mid));
      marks += element("circle", "dot", {{"cx", coordinate(x)}, {"cy", coordinate(axis.at(one.mid))}, {"r", "3"}});
    }
    const double half = 3.4 * static_cast<double>(one.label.size());  // of the label's width
    if (x - half >= free_from || &one == &points.back()) {
      labels += label_under(x, kBottom + 15, one.label);
      free_from = x + half + 3;
    }
    x += step;
  }
  return picture(words, kBottom + 22, band(edges) + ratio_axis(axis, kLeft, kRight) + path("curve", curve) + marks + labels);
}

std::string heat_map(const Words& words, const Heat& heat) {
  constexpr double kLeft = 52, kRight = kWidth - 8, kTop = 8, kHeight = 170, kBottom = kTop + kHeight;
  if (heat.counts.empty() || heat.borders.size() < 2) return "";
  const double width = (kRight - kLeft) / static_cast<double>(heat.counts.size());
  const double height = kHeight / static_cast<double>(heat.borders.size() - 1);
  std::array<std::string, kLevels.size()> levels;
  for (std::size_t column = 0; column < heat.counts.size(); ++column) {
    double all = 0;
    for (const auto count : heat.counts[column]) all += static_cast<double>(count);
    for (std::size_t row = 0; row < heat.counts[column].size(); ++row) {
      const auto count = heat.counts[column][row];
      if (count == 0) continue;
      levels[level_of(static_cast<double>(count) / all)] +=
          "M" + point(kLeft + width * static_cast<double>(column), kBottom - height * static_cast<double>(row + 1)) + "h" +
          coordinate(width) + "v" + coordinate(height) + "h-" + coordinate(width) + "z";
    }
  }
  std::string drawn;
  for (std::size_t i = 0; i < levels.size(); ++i) drawn += path("heat heat" + std::to_string(i + 1), levels[i]);
  const LogAxis axis{std::max(heat.borders.front(), 1.0), heat.borders.back(), kBottom, kTop};
  for (const double value : ticks(axis, 22)) {
    const double y = kBottom - height * height_of(heat.borders, value);
    drawn += line("grid", kLeft, y, kRight, y) + words_at("end-of", kLeft - 4, y + 4, format_duration(value));
  }
  const auto seconds = heat.column_seconds * static_cast<std::int64_t>(heat.counts.size());
  drawn += time_axis({heat.since, heat.since + seconds, kLeft, kRight}, kTop, kBottom);
  return picture(words, kBottom + 22, drawn);
}

std::string heat_scale() {
  constexpr double kLeft = 8, kStep = (kWidth - 16) / static_cast<double>(kLevels.size());
  std::string drawn;
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    const double x = kLeft + kStep * static_cast<double>(i);
    drawn += rectangle("heat heat" + std::to_string(i + 1), x, 2, kStep, 12) +
             words_at("start", x + 1, 28, i == 0 ? std::string("> 0") : format_percent(kLevels[i]));
  }
  return picture({"The scale of both maps", "Darker: a larger share of the requests of that time."}, 34, drawn);
}

std::string stacked_bars(const Words& words, const std::vector<std::string>& names, const std::vector<Bar>& bars) {
  double longest = 0;
  for (const auto& bar : bars) {
    double length = 0;
    for (const double part : bar.parts) length += part;
    longest = std::max(longest, length);
  }
  std::string drawn;
  double top = 0;
  for (const auto& bar : bars) {
    drawn += words_at("start strong", 2, top + 12, bar.label) + words_at("end-of", kWidth - 2, top + 12, bar.value);
    double x = 2;
    for (std::size_t i = 0; i < bar.parts.size(); ++i) {
      const double width = longest > 0 ? bar.parts[i] / longest * (kWidth - 4) : 0;
      if (width >= 0.05) drawn += rectangle("part part" + std::to_string(i + 1), x, top + 18, width, 18);
      x += width;
    }
    top += 46;
  }
  double x = 2;
  for (std::size_t i = 0; i < names.size(); ++i) {
    drawn +=
        rectangle("part part" + std::to_string(i + 1), x, top + 2, 11, 11) + words_at("start", x + 15, top + 12, names[i]);
    x += 27 + 6.6 * static_cast<double>(names[i].size());
  }
  return picture(words, top + 18, drawn);
}

std::string time_plot(const Words& words, const TimePlot& plot) {
  constexpr double kLeft = 44, kRight = kWidth - 8, kTop = 20, kBottom = 190;
  Reach reach;
  if (plot.boundary > 0) reach.show(plot.boundary * 1.05);
  if (!plot.points.empty()) {
    // Where it ended; how wide it began is of less interest.
    reach.show(plot.points.back().mid);
    for (auto one = plot.points.begin() + static_cast<std::ptrdiff_t>(plot.points.size() / 4); one != plot.points.end();
         ++one) {
      reach.show_if_near(one->mid);
      reach.show_if_near(one->low);
      reach.show_if_near(one->high);
    }
  }
  const auto axis = reach.axis(kBottom, kTop);
  const TimeAxis time{plot.since, plot.until, kLeft, kRight};
  std::vector<Edge> edges;
  std::string curve;
  for (const auto& one : plot.points) {
    const double x = time.at(one.unix_seconds);
    if (is_interval(one.low, one.high)) edges.push_back({x, axis.at(one.low), axis.at(one.high)});
    if (one.mid > 0) curve += (curve.empty() ? "M" : "L") + point(x, axis.at(one.mid));
  }
  auto drawn = band(edges) + ratio_axis(axis, kLeft, kRight) + time_axis(time, kTop, kBottom) + path("curve", curve);
  if (plot.boundary > 0) {
    const double y = axis.at(plot.boundary);
    drawn += line("boundary", kLeft, y, kRight, y) + words_at("end-of", kRight, y - 4, plot.boundary_label);
  }
  double free_from = -kInfinity;
  for (const auto& mark : plot.marks) {
    if (mark.unix_seconds < plot.since || mark.unix_seconds > plot.until) continue;
    const double x = time.at(mark.unix_seconds);
    drawn += line("mark", x, kTop - 4, x, kBottom);
    const double half = 3.4 * static_cast<double>(mark.label.size());
    if (x - half < free_from) continue;
    drawn += label_under(x, kTop - 8, mark.label);
    free_from = x + half + 4;
  }
  return picture(words, kBottom + 22, drawn);
}

}  // namespace tandem::report::charts
