// What several endpoints check in what they are given, and their common answer when it is not right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/response.hpp"

namespace tandem::handlers {

// One to eighteen decimal digits and nothing else, of a value in [low, high].
std::optional<std::uint64_t> parse_whole(std::string_view text, std::uint64_t low, std::uint64_t high);

// 400 endpoint.bad_argument.
http::Response bad_argument(std::string detail);

// The same with "NAME must be a whole number from LOW to HIGH".
http::Response not_whole(std::string_view name, std::uint64_t low, std::uint64_t high);

}  // namespace tandem::handlers
