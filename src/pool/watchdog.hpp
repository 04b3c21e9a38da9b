// When a worker has to go: pure rules over what is seen of it. A worker that is merely busy never has to.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>

#include "base/clock.hpp"
#include "pool/pool_options.hpp"

namespace tandem::pool {

enum class RestartReason : std::uint8_t { died, stuck, max_requests, max_rss, max_lifetime, start_failed };
inline constexpr std::array<std::string_view, 6> kRestartReasons{"died",    "stuck",        "max_requests",
                                                                 "max_rss", "max_lifetime", "start_failed"};

// A worker that lives shorter counts as one that keeps dying.
inline constexpr std::chrono::seconds kQuickDeath{10};
// What other requests of a stuck worker have to finish before it is killed, and what its stack has to reach the log.
inline constexpr Milliseconds kStuckMercy{1000};
inline constexpr Milliseconds kStackTime{200};

// Before the next start, after so many quick deaths in a row (at least one).
inline Milliseconds restart_delay(unsigned quick_deaths) {
  return Milliseconds(std::min(100ull << std::min(quick_deaths - 1, 7u), 10000ull));
}

// What one worker may do and how old it may grow; 0: no limit. Drawn per worker, so that those of a pool, which were started
// together, do not end together.
struct WearLimits {
  std::uint64_t requests = 0;
  std::uint64_t rss_bytes = 0;
  Milliseconds lifetime{0};
};

template <class Random>
WearLimits draw_wear_limits(const PoolOptions& options, Random& random) {
  WearLimits limits;
  const auto up_to = [&](std::uint64_t most) { return std::uniform_int_distribution<std::uint64_t>(0, most)(random); };
  if (options.max_requests > 0) limits.requests = options.max_requests + up_to(options.max_requests_jitter);
  limits.rss_bytes = options.max_rss_bytes.value_or(0);
  if (options.max_lifetime.count() > 0)
    limits.lifetime =
        options.max_lifetime + Milliseconds(up_to(static_cast<std::uint64_t>(options.max_lifetime.count()) / 10));
  return limits;
}

// Does a healthy worker have to be replaced, once its successor is ready?
inline std::optional<RestartReason> find_wear(const WearLimits& limits, std::uint64_t requests, std::uint64_t rss_bytes,
                                              Nanoseconds age) {
  if (limits.requests > 0 && requests >= limits.requests) return RestartReason::max_requests;
  if (limits.rss_bytes > 0 && rss_bytes > limits.rss_bytes) return RestartReason::max_rss;
  if (limits.lifetime.count() > 0 && age >= limits.lifetime) return RestartReason::max_lifetime;
  return std::nullopt;
}

}  // namespace tandem::pool
