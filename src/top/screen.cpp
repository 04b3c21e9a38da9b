#include "top/screen.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"

namespace tandem::top {

namespace {

constexpr std::size_t kGap = 2;
// The server tells something every second.
constexpr std::chrono::seconds kPatience{3};

constexpr std::string_view kHelp[] = {
    "1 … 7, Tab        routes, workers, experiments, differences, requests, stacks, audit",
    "up, down, j, k    a row up or down; page up, page down, home, end",
    "s                 sort by the next column, at last as told",
    "r                 the other way round",
    "/                 show rows with this text only; Enter keeps it, Esc drops it",
    "Ctrl-Z            suspend (\"fg\" comes back)",
    "q, Ctrl-C         leave",
    "",
    "REQ/S, P50, P99 and 5XX are of the last five seconds, TOTAL is since the start.",
    "TRAFFIC is what an arm gets now; GUARDRAIL is the one nearest to firing, and how much of the way it has gone.",
    "Nothing is changed from here: \"tandem weights\", \"ramp\", \"pause\", \"rollback\" and \"reload\" do, or the "
    "dashboard.",
};

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

// What a terminal would obey becomes "?": C0, DEL, and C1 (two bytes in UTF-8: C2 80 to C2 9F).
std::string harmless(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (is_c1) ++i;
    out += byte < 0x20 || byte == 0x7F || is_c1 ? '?' : text[i];
  }
  return out;
}

std::string_view first_columns(std::string_view text, std::size_t columns) {
  std::size_t end = 0;
  while (end < text.size() && (columns > 0 || is_continuation(text[end])))
    if (!is_continuation(text[end++])) --columns;
  return text.substr(0, end);
}

void cut(Line& line, std::size_t columns) {
  for (auto& span : line) {
    span.text = harmless(span.text);
    span.text = first_columns(span.text, columns);
    columns -= width_of(span.text);
  }
  std::erase_if(line, [](const Span& span) { return span.text.empty(); });
}

bool matches(const std::vector<Cell>& row, const std::string& filter) {
  const auto is_same = [](char a, char b) { return ascii::lower(a) == ascii::lower(b); };
  return filter.empty() || std::any_of(row.begin(), row.end(), [&](const Cell& cell) {
           const auto& text = cell.text;
           return std::search(text.begin(), text.end(), filter.begin(), filter.end(), is_same) != text.end();
         });
}

void arrange(Table& table, const Choices& choices) {
  std::erase_if(table.rows, [&](const auto& row) { return !matches(row, choices.filter); });
  const auto column = choices.sort();
  const bool is_sorted = column && *column < table.heading.size();
  if (is_sorted)
    std::stable_sort(table.rows.begin(), table.rows.end(), [at = *column](const auto& a, const auto& b) {
      return a[at].is_number && b[at].is_number ? a[at].order > b[at].order : a[at].text < b[at].text;
    });
  if (choices.is_reversed && !table.heading.empty()) std::reverse(table.rows.begin(), table.rows.end());
}

std::vector<std::size_t> widths_of(const Table& table) {
  std::vector<std::size_t> widths;
  const auto widen = [&widths](const std::vector<Cell>& row) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i].text));
  };
  widen(table.heading);
  for (const auto& row : table.rows) widen(row);
  return widths;
}

// Where the first row has a number, the column is written to the right.
Line row_line(const Table& table, const std::vector<Cell>& row, const std::vector<std::size_t>& widths) {
  Line line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const bool is_right = !table.rows.empty() && i < table.rows.front().size() && table.rows.front()[i].is_number;
    auto text = row[i].text;
    text.insert(is_right ? 0 : text.size(), widths[i] - width_of(text), ' ');
    text.append(i + 1 < row.size() ? kGap : 0, ' ');
    line.push_back({std::move(text), row[i].tone});
  }
  return line;
}

Line heading_line(const Table& table, const std::vector<std::size_t>& widths, const std::optional<std::size_t>& sort) {
  auto line = row_line(table, table.heading, widths);
  for (std::size_t i = 0; i < line.size(); ++i) {
    line[i].tone = Tone::strong;
    line[i].is_reversed = sort == i;
  }
  return line;
}

Line tabs(View chosen) {
  Line line;
  for (const auto view : kViews)
    line.push_back({" " + std::to_string(static_cast<int>(view) + 1) + " " + std::string(name_of(view)) + " ", Tone::plain,
                    view == chosen});
  return line;
}

// Why what is seen may be old; empty: it is not.
std::string staleness(const News& news, TimePoint now) {
  if (!news.loss.empty()) return news.loss + "; trying again";
  const auto silence = std::chrono::duration_cast<std::chrono::seconds>(now - news.last);
  return silence >= kPatience ? "no news for " + std::to_string(silence.count()) + " s" : "";
}

Line bottom(const News& news, const Choices& choices, const Extent& extent, TimePoint now) {
  if (choices.is_typing) return {{"filter: " + choices.filter, Tone::strong}, {" ", Tone::plain, true}};
  if (const auto stale = staleness(news, now); !stale.empty()) return {{stale, Tone::bad}};
  Line line;
  if (!choices.filter.empty()) line.push_back({"only \"" + choices.filter + "\"  ", Tone::strong});
  const auto first = std::min(choices.first, extent.last_first());
  if (extent.rows > extent.page)
    line.push_back({"rows " + std::to_string(first + 1) + " to " + std::to_string(first + extent.page) + " of " +
                    std::to_string(extent.rows) + "  "});
  line.push_back({"? help  q quit  / filter  s sort  r reverse", Tone::dim});
  return line;
}

// The heading and as many rows as fit into `room` lines.
Extent append_table(std::vector<Line>& lines, const Table& table, const Choices& choices, std::size_t room) {
  Extent extent{table.heading.size(), table.rows.size(), room};
  const auto widths = widths_of(table);
  if (!table.heading.empty() && room > 0) {
    lines.push_back(heading_line(table, widths, choices.sort()));
    --extent.page;
  }
  if (table.rows.empty() && extent.page > 0)
    lines.push_back({{choices.filter.empty() ? table.when_empty : "nothing has \"" + choices.filter + "\"", Tone::dim}});
  const auto first = std::min(choices.first, extent.last_first());
  for (std::size_t i = first; i < std::min(table.rows.size(), first + extent.page); ++i)
    lines.push_back(row_line(table, table.rows[i], widths));
  return extent;
}

}  // namespace

Screen draw(const News& news, const Choices& choices, Size size, const std::string& url, TimePoint now) {
  Screen screen;
  auto& lines = screen.lines;
  const auto summary = summary_of(news);
  if (summary) {
    lines.push_back({{"tandem ", Tone::strong}, {summary->front()}});
    lines.push_back({{url + "  ", Tone::dim}, {summary->size() > 1 ? summary->back() : "", Tone::plain}});
  } else {
    lines.push_back({{url + ": " + summary.error().message, Tone::bad}});
  }
  lines.push_back(tabs(choices.view));
  const auto used = lines.size() + 1;
  const auto room = size.rows > used ? size.rows - used : 0;
  if (choices.is_helping) {
    for (const auto& line : kHelp)
      if (lines.size() + 1 < size.rows) lines.push_back({{std::string(line)}});
  } else if (auto table = table_of(choices.view, news)) {
    arrange(*table, choices);
    screen.extent = append_table(lines, *table, choices, room);
  } else {
    lines.push_back({{table.error().message, Tone::bad}});
  }
  lines.resize(std::min(lines.size(), size.rows > 0 ? size.rows - 1 : 0));
  while (lines.size() + 1 < size.rows) lines.emplace_back();
  if (size.rows > 0) lines.push_back(bottom(news, choices, screen.extent, now));
  for (auto& line : lines) cut(line, size.columns);
  return screen;
}

Result<std::string> print(const News& news) {
  const auto summary = summary_of(news);
  if (!summary) return summary.error();
  std::string out;
  for (const auto& line : *summary) out += harmless(line) + "\n";
  for (const auto view : {View::routes, View::workers, View::experiments}) {
    const auto table = table_of(view, news);
    if (!table) return table.error();
    std::vector<Line> lines;
    append_table(lines, *table, {}, table->rows.size() + 2);
    for (const auto& line : lines) {
      out += &line == &lines.front() ? "\n" : "";
      std::string text;
      for (const auto& span : line) text += harmless(span.text);
      text.erase(text.find_last_not_of(' ') + 1);
      out += text + "\n";
    }
  }
  return out;
}

}  // namespace tandem::top
