// How fast the guardrail on errors sees a bad candidate, looked at every second as the server does.
#pragma once

#include <cstdint>
#include <optional>

namespace tandem::simulate {

struct Incident {
  double share = 0.01;  // of the traffic that the candidate has
  double factor = 10;   // of the candidate's error rate
  double error_rate = 0.005;
  double requests_per_second = 200;
  double alpha = 0.01;
  unsigned seconds = 900;  // until the look for it ends
};

// Seconds until the guardrail fires; nothing when it does not.
std::optional<unsigned> seconds_to_rollback(const Incident& incident, std::uint64_t seed);

// What shadows say while nothing is wrong: x of n pairs mismatch for reasons that last, and a triple's difference is the
// candidate's as often as the second control's.
struct Shadows {
  double mismatch_rate = 0.001;
  double difference_rate = 0.02;  // of triples
  unsigned pairs = 20'000;
  double alpha = 0.05;
};
struct ShadowAlarms {
  bool bound_excluded_rate = false;  // the interval of the mismatch rate did not hold the true one, at some look
  bool noise_was_blamed = false;     // b against c spoke against the candidate, at some look
};
ShadowAlarms watch_shadows(const Shadows& shadows, std::uint64_t seed);

}  // namespace tandem::simulate
