#include "config/problem.hpp"

namespace tandem::config {

std::string format_problem(std::string_view file, const Problem& problem) {
  std::string line(file);
  if (problem.place.line > 0) line += ":" + std::to_string(problem.place.line) + ":" + std::to_string(problem.place.column);
  if (!problem.place.pointer.empty()) line += ": " + problem.place.pointer;
  return line + ": " + problem.message;
}

}  // namespace tandem::config
