#include "statistics/verdict.hpp"

namespace tandem::statistics {

Verdict verdict_of(const Interval& ratio, double margin) {
  Verdict verdict;
  if (ratio.high < 1) verdict.direction = Direction::better;
  if (ratio.low > 1) verdict.direction = Direction::worse;
  verdict.is_equivalent = 1 / (1 + margin) < ratio.low && ratio.high < 1 + margin;
  return verdict;
}

std::string_view Verdict::words() const {
  switch (direction) {
    case Direction::better:
      return is_equivalent ? "better, but within the margin" : "better";
    case Direction::worse:
      return is_equivalent ? "worse, but within the margin" : "worse";
    case Direction::undecided:
      break;
  }
  return is_equivalent ? "equivalent" : "undecided";
}

}  // namespace tandem::statistics
