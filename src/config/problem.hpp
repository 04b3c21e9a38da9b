// What is wrong with a config file, with its place, in words for the person who wrote it.
#pragma once

#include <string>
#include <string_view>

#include "config/config.hpp"

namespace tandem::config {

struct Problem {
  Place place;  // line 0: the file as a whole
  std::string message;
};

// "config/tandem.json:41:12: /routes/3/arms/py/weight: expected a number ≥ 0, got -1"
std::string format_problem(std::string_view file, const Problem& problem);

}  // namespace tandem::config
