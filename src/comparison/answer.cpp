#include "comparison/answer.hpp"

#include <algorithm>

namespace tandem::comparison {

void Answer::append(std::string_view piece) {
  body_bytes += piece.size();
  const auto kept = piece.substr(0, std::min(piece.size(), kMaxBody - body.size()));
  body.append(kept);
  for (const char byte : piece.substr(kept.size()))
    rest_hash = (rest_hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
}

std::vector<std::string_view> Answer::values(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [known, value] : headers)
    if (known == name) found.push_back(value);
  return found;
}

}  // namespace tandem::comparison
