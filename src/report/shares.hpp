// What a layout means for the comparison of a candidate with control, for whoever asks whether both got it: the report and
// the guardrails.
#pragma once

#include <cstddef>
#include <optional>

#include "measure/record.hpp"

namespace tandem::report {

// Buckets that are compared.
struct Shares {
  unsigned control = 0;
  unsigned candidate = 0;

  // At 0 % and at 100 % there is nobody to compare with.
  bool has_both() const { return control > 0 && candidate > 0; }
};

// Of an epoch (experiments.md §5.3): candidates whole; control whole or, with `is_matched`, as many buckets as the largest
// candidate has, or all that are left to it if they are fewer. Where the epoch's weights are not known: one to one, or
// nothing without `is_matched`.
std::optional<Shares> compared_shares(const measure::Epoch& epoch, std::size_t control, std::size_t candidate,
                                      bool is_matched);

}  // namespace tandem::report
