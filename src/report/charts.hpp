// Pictures as SVG elements, from plain figures. Colours are the page's (html_page.hpp): elements have classes only. All are
// 360 units wide, as a phone is, so that their text is as large there as that of the page. Equal figures are equal pictures.
// What they show is also said by shapes, dashes and words, not by colours alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::report::charts {

// For readers who do not see the picture.
struct Words {
  std::string title;
  std::string description;
};

// A ratio with its interval.
struct ForestRow {
  std::string label;
  std::string value;  // "0.52× [0.50, 0.55], better", or why there is none
  double low = 0;     // 0: no lower end
  double mid = 0;     // 0: there is no ratio, the row has words only
  double high = 0;    // may be infinite
  double margin = 0;  // shaded from 1/(1+margin) to 1+margin; 0: not
  double noise_low = 0;
  double noise_high = 0;  // the interval of control against itself; 0: none
};
std::string forest_plot(const Words& words, const std::vector<ForestRow>& rows);

// Ratios of quantiles, in order, with their band.
struct ShiftPoint {
  std::string label;  // "p99"
  double low = 0;
  double mid = 0;
  double high = 0;
};
std::string shift_plot(const Words& words, const std::vector<ShiftPoint>& points);

// How many values fell where, by column (time) and row (from borders[row] to borders[row+1], in ns). Each column is shaded
// by the share of its values, on the same scale in all maps.
struct Heat {
  std::int64_t since = 0;  // Unix seconds
  std::int64_t column_seconds = 1;
  std::vector<double> borders;
  std::vector<std::vector<std::uint64_t>> counts;
};
std::string heat_map(const Words& words, const Heat& heat);
// The scale of all heat maps.
std::string heat_scale();

// Stacked bars on one scale from 0.
struct Bar {
  std::string label;
  std::string value;
  std::vector<double> parts;  // as many as names, six at most
};
std::string stacked_bars(const Words& words, const std::vector<std::string>& names, const std::vector<Bar>& bars);

// Ratios with intervals over wall time.
struct TimePoint {
  std::int64_t unix_seconds = 0;
  double low = 0;
  double mid = 0;  // 0: none
  double high = 0;
};
struct Mark {
  std::int64_t unix_seconds = 0;
  std::string label;
};
struct TimePlot {
  std::int64_t since = 0;
  std::int64_t until = 0;
  std::vector<TimePoint> points;
  std::vector<Mark> marks;  // vertical lines
  double boundary = 0;      // a horizontal line; 0: none
  std::string boundary_label;
};
std::string time_plot(const Words& words, const TimePlot& plot);

}  // namespace tandem::report::charts
