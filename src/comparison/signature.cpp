#include "comparison/signature.hpp"

#include <algorithm>

namespace tandem::comparison {

std::vector<Signature> signatures_of(const std::vector<Difference>& differences, int status_control, int status_candidate) {
  std::vector<Signature> signatures;
  for (const auto& difference : differences)
    signatures.push_back({difference.kind, difference.path, status_control, status_candidate});
  std::sort(signatures.begin(), signatures.end());
  signatures.erase(std::unique(signatures.begin(), signatures.end()), signatures.end());
  return signatures;
}

}  // namespace tandem::comparison
