// What differences of many pairs have in common.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "comparison/compare.hpp"

namespace tandem::comparison {

struct Signature {
  Kind kind = Kind::value;
  std::string path;  // indices as [*]
  int status_control = 0;
  int status_candidate = 0;

  friend auto operator<=>(const Signature&, const Signature&) = default;
};

// Of the differences of one pair, each once, in order.
std::vector<Signature> signatures_of(const std::vector<Difference>& differences, int status_control, int status_candidate);

}  // namespace tandem::comparison
