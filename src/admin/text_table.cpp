#include "admin/text_table.hpp"

#include <algorithm>
#include <cstdio>

namespace tandem::admin {

std::string format_number(double number, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, number);
  return text;
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1024 * 1024) return std::to_string(bytes / 1024) + " KiB";
  return format_number(static_cast<double>(bytes) / (1024 * 1024), 1) + " MiB";
}

std::string format_age(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(seconds, 0.0));
  if (whole < 60) return std::to_string(whole) + "s";
  if (whole < 3600) return std::to_string(whole / 60) + "m" + std::to_string(whole % 60) + "s";
  if (whole < 86400) return std::to_string(whole / 3600) + "h" + std::to_string(whole % 3600 / 60) + "m";
  return std::to_string(whole / 86400) + "d" + std::to_string(whole % 86400 / 3600) + "h";
}

void append_rows(std::string& out, const Rows& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::vector<bool> to_the_right(widths.size());
  if (rows.size() > 1)
    for (std::size_t i = 0; i < widths.size(); ++i)
      to_the_right[i] = !rows[1][i].empty() && rows[1][i][0] >= '0' && rows[1][i][0] <= '9';
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      line += to_the_right[i] ? padding + row[i] : row[i] + padding;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
}

}  // namespace tandem::admin
