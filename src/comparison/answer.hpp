// An endpoint's answer as it is kept for the comparison.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::comparison {

// Of a longer body only length and hash are compared.
inline constexpr std::size_t kMaxBody = 1024 * 1024;

struct Answer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in small letters, in the order they were sent
  std::string body;                                          // decoded; at most kMaxBody bytes of it
  std::uint64_t body_bytes = 0;                              // all of it
  std::uint64_t rest_hash = kEmptyHash;                      // FNV-1a of what is not kept of it

  static constexpr std::uint64_t kEmptyHash = 0xcbf29ce484222325;

  bool is_large() const { return body_bytes > body.size(); }
  // The next piece of the body.
  void append(std::string_view piece);
  // Values of that field, in order.
  std::vector<std::string_view> values(std::string_view name) const;
};

}  // namespace tandem::comparison
