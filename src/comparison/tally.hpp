// What the comparisons of one experiment with one candidate have found so far. Additive: tallies of threads, replicas and
// times before a restart merge into the tally of one that saw everything, in any order. Bounded in memory whatever clients
// send.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "comparison/compare.hpp"
#include "comparison/signature.hpp"

namespace tandem::comparison {

enum class Outcome : std::uint8_t { match, mismatch, noise, error, skipped };
inline constexpr std::size_t kOutcomes = 5;
std::string_view name_of(Outcome outcome);

// One pair that differed, for a person to look at.
struct Sample {
  std::int64_t unix_ms = 0;
  std::string request;  // "GET /stats?n=3"
  std::string request_id;
  std::vector<Difference> differences;

  friend bool operator<(const Sample& a, const Sample& b) {
    return std::tie(a.unix_ms, a.request_id, a.request) < std::tie(b.unix_ms, b.request_id, b.request);
  }
};

struct Finding {
  static constexpr std::size_t kMaxSamples = 20;
  static constexpr std::size_t kMaxSampleBytes = 32 * 1024;

  std::uint64_t count = 0;  // pairs of control and candidate that have it
  std::int64_t first_ms = 0;
  std::int64_t last_ms = 0;
  std::uint64_t candidate_only = 0;  // triples in which control's second answer has it not (b)
  std::uint64_t control_only = 0;    // triples in which only control's second answer has it (c)
  std::vector<Sample> samples;       // the newest, oldest first: at least one, whatever its size

  void add_sample(Sample sample);
  void merge(const Finding& other);
};

class Tally {
 public:
  static constexpr std::size_t kMaxFindings = 500;
  static constexpr std::size_t kMaxShapes = 1000;

  // A pair that was compared, `differences` what was found. Its outcome is match, mismatch or (as the caller knows) noise.
  void add_pair(Outcome outcome, const std::vector<Signature>& signatures, const Sample& sample);
  // A pair that could not be compared.
  void add(Outcome outcome) { ++outcomes_[static_cast<std::size_t>(outcome)]; }
  // The same pair's noise triple: what control's second answer differs in from the first.
  void add_triple(const std::vector<Signature>& of_candidate, const std::vector<Signature>& of_second_control,
                  std::int64_t unix_ms);
  // A live answer of control, and one that a shadow was compared with.
  void saw_shape(std::string_view shape) { note(live_shapes_, shape); }
  void covered_shape(std::string_view shape) { note(covered_shapes_, shape); }

  void merge(const Tally& other);

  std::uint64_t count(Outcome outcome) const { return outcomes_[static_cast<std::size_t>(outcome)]; }
  std::uint64_t compared() const { return count(Outcome::match) + count(Outcome::mismatch) + count(Outcome::noise); }
  std::uint64_t triples() const { return triples_; }
  const std::map<Signature, Finding>& findings() const { return findings_; }
  const Finding* find(const Signature& signature) const;
  std::uint64_t lost_findings() const { return lost_findings_; }  // additions to signatures beyond kMaxFindings
  std::size_t live_shapes() const { return live_shapes_.size(); }
  std::size_t covered_shapes() const;  // of the live ones

  // The state file's form. from_json() throws nothing: an error says what is wrong.
  std::string to_json() const;
  static Result<Tally> from_json(std::string_view text);

 private:
  friend struct TallyJson;
  Finding* finding(const Signature& signature, std::int64_t unix_ms);
  static void note(std::set<std::string, std::less<>>& shapes, std::string_view shape);

  std::array<std::uint64_t, kOutcomes> outcomes_{};
  std::uint64_t triples_ = 0;
  std::uint64_t lost_findings_ = 0;
  std::map<Signature, Finding> findings_;
  std::set<std::string, std::less<>> live_shapes_;
  std::set<std::string, std::less<>> covered_shapes_;
};

}  // namespace tandem::comparison
