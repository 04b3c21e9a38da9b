// A page that is one file: no script, nothing fetched, one stylesheet for light, dark and paper. For people who get it by
// mail and open it on whatever they have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem::report {

// What a server says of such a page, and the page says of itself.
inline constexpr std::string_view kPagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

// Text as text, between tags or in a quoted attribute, whatever it holds.
std::string escaped(std::string_view text);

// The whole document. `body` is HTML.
std::string html_page(std::string_view title, std::string_view body);

// A part of the page with a heading.
std::string section(std::string_view id, std::string_view heading, std::string_view body);
// A line that stands for what there is no data for.
std::string nothing_to_show(std::string_view why);
std::string paragraph(std::string_view text);
std::string list(const std::vector<std::string>& lines);
// Pictures side by side, as far as there is room. `caption` is HTML.
std::string figure(std::string_view svg, std::string_view caption);
std::string figures(const std::vector<std::string>& all);

// Text in rows; the first cell of each is its heading. A table too wide for the window scrolls by itself.
struct Table {
  std::string caption;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};
std::string html_table(const Table& table);

}  // namespace tandem::report
