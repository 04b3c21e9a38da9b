#include "comparison/tally.hpp"

#include <algorithm>

namespace tandem::comparison {
namespace {

std::size_t size_of(const Sample& sample) {
  std::size_t bytes = sizeof(Sample) + sample.request.size() + sample.request_id.size();
  for (const auto& difference : sample.differences)
    bytes += sizeof(Difference) + difference.path.size() + difference.control.size() + difference.candidate.size();
  return bytes;
}

}  // namespace

std::string_view name_of(Outcome outcome) {
  constexpr std::string_view kNames[] = {"match", "mismatch", "noise", "error", "skipped"};
  return kNames[static_cast<std::size_t>(outcome)];
}

void Finding::add_sample(Sample sample) {
  samples.insert(std::upper_bound(samples.begin(), samples.end(), sample), std::move(sample));
  std::size_t bytes = 0;
  std::size_t kept = 0;
  while (kept < std::min(samples.size(), kMaxSamples)) {
    bytes += size_of(samples[samples.size() - 1 - kept]);
    if (kept > 0 && bytes > kMaxSampleBytes) break;
    ++kept;
  }
  samples.erase(samples.begin(), samples.end() - static_cast<std::ptrdiff_t>(kept));
}

void Finding::merge(const Finding& other) {
  const bool is_new = count + candidate_only + control_only == 0;
  count += other.count;
  candidate_only += other.candidate_only;
  control_only += other.control_only;
  first_ms = is_new ? other.first_ms : std::min(first_ms, other.first_ms);
  last_ms = std::max(last_ms, other.last_ms);
  for (const auto& sample : other.samples) add_sample(sample);
}

Finding* Tally::finding(const Signature& signature, std::int64_t unix_ms) {
  auto found = findings_.find(signature);
  if (found == findings_.end()) {
    if (findings_.size() == kMaxFindings) {
      ++lost_findings_;
      return nullptr;
    }
    found = findings_.emplace(signature, Finding{}).first;
    found->second.first_ms = unix_ms;
  }
  found->second.first_ms = std::min(found->second.first_ms, unix_ms);
  found->second.last_ms = std::max(found->second.last_ms, unix_ms);
  return &found->second;
}

const Finding* Tally::find(const Signature& signature) const {
  const auto found = findings_.find(signature);
  return found == findings_.end() ? nullptr : &found->second;
}

void Tally::add_pair(Outcome outcome, const std::vector<Signature>& signatures, const Sample& sample) {
  add(outcome);
  for (const auto& signature : signatures)
    if (auto* known = finding(signature, sample.unix_ms)) {
      ++known->count;
      known->add_sample(sample);
    }
}

void Tally::add_triple(const std::vector<Signature>& of_candidate, const std::vector<Signature>& of_second_control,
                       std::int64_t unix_ms) {
  ++triples_;
  const auto has = [](const std::vector<Signature>& signatures, const Signature& signature) {
    return std::binary_search(signatures.begin(), signatures.end(), signature);
  };
  for (const auto& signature : of_candidate)
    if (!has(of_second_control, signature))
      if (auto* known = finding(signature, unix_ms)) ++known->candidate_only;
  for (const auto& signature : of_second_control)
    if (!has(of_candidate, signature))
      if (auto* known = finding(signature, unix_ms)) ++known->control_only;
}

void Tally::note(std::set<std::string, std::less<>>& shapes, std::string_view shape) {
  constexpr std::size_t kMaxShapeBytes = 2048;
  shape = shape.substr(0, kMaxShapeBytes);
  if (shapes.size() < kMaxShapes && shapes.find(shape) == shapes.end()) shapes.emplace(shape);
}

std::size_t Tally::covered_shapes() const {
  return static_cast<std::size_t>(std::count_if(live_shapes_.begin(), live_shapes_.end(),
                                                [this](const auto& shape) { return covered_shapes_.contains(shape); }));
}

void Tally::merge(const Tally& other) {
  for (std::size_t i = 0; i < kOutcomes; ++i) outcomes_[i] += other.outcomes_[i];
  triples_ += other.triples_;
  lost_findings_ += other.lost_findings_;
  for (const auto& [signature, found] : other.findings_) {
    if (findings_.size() == kMaxFindings && !findings_.contains(signature))
      lost_findings_ += found.count;
    else
      findings_[signature].merge(found);
  }
  for (const auto& shape : other.live_shapes_) note(live_shapes_, shape);
  for (const auto& shape : other.covered_shapes_) note(covered_shapes_, shape);
}

}  // namespace tandem::comparison
