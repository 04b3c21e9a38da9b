#include "experiment/findings.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "comparison/compare.hpp"
#include "statistics/paired_events.hpp"

namespace tandem::experiment {
namespace {

using comparison::Outcome;

constexpr std::size_t kMaxSeen = 1000;  // signatures whose noise is known
constexpr std::size_t kSampleDifferences = 8;
constexpr double kNoiseAlpha = 0.05;

bool has(const std::vector<comparison::Signature>& all, const comparison::Signature& one) {
  return std::binary_search(all.begin(), all.end(), one);
}

}  // namespace

std::size_t AnswerPair::bytes() const {
  return sizeof(*this) + of_control.body.size() + (of_candidate ? of_candidate->body.size() : 0) +
         (again ? again->body.size() : 0);
}

void Findings::note(AnswerPair pair) {
  const auto shape = comparison::shape_of(pair.of_control);
  if (!pair.of_candidate) {
    const std::lock_guard lock(mutex_);
    tallies_[pair.candidate].saw_shape(shape);
    return;
  }
  auto& sample = pair.sample;
  sample.differences = comparison::compare(pair.of_control, *pair.of_candidate, *pair.rules);
  const auto signatures = comparison::signatures_of(sample.differences, pair.of_control.status, pair.of_candidate->status);
  Signatures of_again;
  if (pair.again)
    of_again = comparison::signatures_of(comparison::compare(pair.of_control, *pair.again, *pair.rules),
                                         pair.of_control.status, pair.again->status);
  if (sample.differences.size() > kSampleDifferences) sample.differences.resize(kSampleDifferences);

  const std::lock_guard lock(mutex_);
  auto& tally = tallies_[pair.candidate];
  tally.saw_shape(shape);
  tally.covered_shape(shape);
  if (pair.again) note_triple(tally, signatures, of_again, sample.unix_ms);
  const bool is_all_noise =
      std::all_of(signatures.begin(), signatures.end(), [this](const auto& one) { return is_noise(one); });
  tally.add_pair(signatures.empty() ? Outcome::match
                 : is_all_noise     ? Outcome::noise
                                    : Outcome::mismatch,
                 signatures, sample);
}

void Findings::note_triple(comparison::Tally& tally, const Signatures& of_candidate, const Signatures& of_again,
                           std::int64_t unix_ms) {
  tally.add_triple(of_candidate, of_again, unix_ms);
  const auto count = [&](const comparison::Signature& signature, auto counter) {
    if (seen_.size() < kMaxSeen || seen_.contains(signature)) ++(seen_[signature].*counter);
  };
  for (const auto& one : of_candidate) count(one, has(of_again, one) ? &Seen::both : &Seen::candidate_only);
  for (const auto& one : of_again)
    if (!has(of_candidate, one)) count(one, &Seen::control_only);
}

bool Findings::is_noise(const comparison::Signature& signature) const {
  const auto found = seen_.find(signature);
  if (found == seen_.end()) return false;
  const auto& seen = found->second;
  if (seen.both + seen.control_only == 0) return false;
  return statistics::ln_paired_events_e(static_cast<double>(seen.candidate_only), static_cast<double>(seen.control_only),
                                        statistics::Sides::one) < -std::log(kNoiseAlpha);
}

void Findings::add(const std::string& candidate, Outcome outcome) {
  const std::lock_guard lock(mutex_);
  tallies_[candidate].add(outcome);
}

std::map<std::string, comparison::Tally> Findings::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(tallies_, {});
}

}  // namespace tandem::experiment
