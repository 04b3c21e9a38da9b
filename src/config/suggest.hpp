// "did you mean …?": the known word that a misspelt one is closest to.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tandem::config {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; case is ignored.
std::size_t edit_distance(std::string_view a, std::string_view b);

// ` (did you mean "limits"?)`, to be put at the end of a message; empty when nothing is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

}  // namespace tandem::config
