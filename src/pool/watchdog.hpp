// When a worker has to go: pure rules over what is seen of it. A worker that is merely busy never has to.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "pool/pool_options.hpp"

namespace tandem::pool {

enum class RestartReason : std::uint8_t { died, stuck, max_requests, max_rss, start_failed };
inline constexpr std::array<std::string_view, 5> kRestartReasons{"died", "stuck", "max_requests", "max_rss", "start_failed"};

// A worker that lives shorter counts as one that keeps dying.
inline constexpr std::chrono::seconds kQuickDeath{10};
// What other requests of a stuck worker have to finish before it is killed, and what its stack has to reach the log.
inline constexpr Milliseconds kStuckMercy{1000};
inline constexpr Milliseconds kStackTime{200};

// Before the next start, after so many quick deaths in a row (at least one).
inline Milliseconds restart_delay(unsigned quick_deaths) {
  return Milliseconds(std::min(100ull << std::min(quick_deaths - 1, 7u), 10000ull));
}

// Does a healthy worker have to be replaced, once its successor is ready?
inline std::optional<RestartReason> find_wear(const PoolOptions& options, std::uint64_t requests,
                                              std::uint64_t request_limit, std::uint64_t rss_bytes) {
  if (request_limit > 0 && requests >= request_limit) return RestartReason::max_requests;
  if (options.max_rss_bytes && rss_bytes > *options.max_rss_bytes) return RestartReason::max_rss;
  return std::nullopt;
}

}  // namespace tandem::pool
