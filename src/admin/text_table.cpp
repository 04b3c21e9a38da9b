#include "admin/text_table.hpp"

#include <algorithm>

namespace tandem::admin {

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
