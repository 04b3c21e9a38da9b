// Rows of words and numbers in columns, for a terminal.
#pragma once

#include <string>
#include <vector>

namespace tandem::admin {

// The first row is the heading. Numbers stand to the right, words to the left; a cell is a number if it begins with a digit.
using Rows = std::vector<std::vector<std::string>>;

void append_rows(std::string& out, const Rows& rows);

}  // namespace tandem::admin
