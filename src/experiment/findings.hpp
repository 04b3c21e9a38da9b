// What the shadows of one experiment have found: compares their answers with those of control and keeps the tallies, with
// what is known to be noise (experiments.md §5.8).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "comparison/rules.hpp"
#include "comparison/signature.hpp"
#include "comparison/tally.hpp"

namespace tandem::experiment {

// Two answers to one request, on their way to the comparison.
struct AnswerPair {
  std::shared_ptr<const comparison::Rules> rules;
  std::string candidate;  // the arm's name
  comparison::Answer of_control;
  std::optional<comparison::Answer> of_candidate;  // none: only the shape of control's answer is noted
  std::optional<comparison::Answer> again;         // control's second, of a noise triple
  comparison::Sample sample;                       // without its differences

  std::size_t bytes() const;
};

// Thread: any.
class Findings {
 public:
  // Compares. Takes tens of milliseconds where answers are large.
  void note(AnswerPair pair);
  // A pair that was not compared.
  void add(const std::string& candidate, comparison::Outcome outcome);
  // What was found by comparing with that candidate since the last time.
  std::map<std::string, comparison::Tally> take();

 private:
  // How often a signature was in both, in the candidate's answer only, in control's second only.
  struct Seen {
    std::uint64_t both = 0;
    std::uint64_t candidate_only = 0;
    std::uint64_t control_only = 0;
  };
  using Signatures = std::vector<comparison::Signature>;

  void note_triple(comparison::Tally& tally, const Signatures& of_candidate, const Signatures& of_again,
                   std::int64_t unix_ms);
  bool is_noise(const comparison::Signature& signature) const;

  std::mutex mutex_;                                  // guards what follows
  std::map<std::string, comparison::Tally> tallies_;  // by candidate
  std::map<comparison::Signature, Seen> seen_;
};

}  // namespace tandem::experiment
