// Several comparisons at once.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tandem::statistics {

// α of one metric of a report: the primary one has half, the others share the rest; every further candidate divides again.
// `secondary`: how many other metrics there are; with none the primary one has all.
double report_alpha(bool is_primary, std::size_t secondary, std::size_t candidates, double alpha = 0.05);

// e-BH: rejects the k largest e-values where the k-th is at least m/(kα); valid under any dependence. Indices of those
// rejected, ascending. Source: Wang & Ramdas, "False discovery rate control with e-values", JRSS B 2022.
std::vector<std::size_t> e_benjamini_hochberg(std::span<const double> ln_e_values, double alpha);

}  // namespace tandem::statistics
