// Rows of words and numbers in columns, for a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::admin {

// The first row is the heading. Numbers stand to the right, words to the left; a cell is a number if it begins with a digit.
using Rows = std::vector<std::vector<std::string>>;

void append_rows(std::string& out, const Rows& rows);

std::string format_number(double number, int decimals);
std::string format_bytes(std::uint64_t bytes);  // "84.1 MiB"
std::string format_age(double seconds);         // "3m12s"

}  // namespace tandem::admin
