// Two kinds of events of which, under the hypothesis, each is as likely as the other: b "only the candidate differs", c
// "only the second run of control differs".
#pragma once

#include "statistics/mixture.hpp"

namespace tandem::statistics {

// ln of a beta-binomial e-value against a fair coin, valid at every look; one-sided: evidence that b is the more frequent.
// The prior is Beta(k/2, k/2).
double ln_paired_events_e(double b, double c, Sides sides = Sides::two, double k = 10);

// McNemar's exact test at a fixed time: P(Bin(b+c, ½) ≥ b).
double mcnemar_p(double b, double c);

}  // namespace tandem::statistics
