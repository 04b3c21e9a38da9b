// The known answers of the estimators: values of confseq, ssrm and GrowthBook, and of an independent implementation.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "statistics/blocks.hpp"
#include "statistics/mean_ratio.hpp"
#include "statistics/mixture.hpp"
#include "statistics/multiplicity.hpp"
#include "statistics/paired_events.hpp"
#include "statistics/proportion.hpp"
#include "statistics/quantile.hpp"
#include "statistics/risk_ratio.hpp"
#include "statistics/sample_ratio.hpp"
#include "statistics/special_functions.hpp"
#include "statistics/verdict.hpp"

namespace tandem::statistics {
namespace {

using Counts = std::vector<std::uint64_t>;
using Weights = std::vector<double>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(SampleRatio, ChiSquareAgreesWithGrowthBook) {
  EXPECT_NEAR(sample_ratio_p(Counts{1000, 1200}, Weights{0.5, 0.5}), 0.000020079, 5e-10);
  EXPECT_NEAR(sample_ratio_p(Counts{135, 115}, Weights{0.5, 0.5}), 0.205903211, 5e-10);
  EXPECT_NEAR(sample_ratio_p(Counts{0, 10, 10}, Weights{0.34, 0.33, 0.33}), 0.005790624, 5e-10);
  EXPECT_EQ(sample_ratio_p(Counts{500, 500}, Weights{0.5, 0.5}), 1);
  EXPECT_EQ(sample_ratio_p(Counts{500}, Weights{1}), 1);
  EXPECT_EQ(sample_ratio_p(Counts{0, 0}, Weights{0.5, 0.5}), 1);
  EXPECT_NEAR(sample_ratio_p(Counts{1000, 1200, 900}, Weights{0.5, 0.5, 0}), 0.000020079, 5e-10);
}

TEST(SampleRatio, MultinomialEValueAgreesWithSsrm) {
  const Weights null{0.4, 0.4, 0.2};
  const Weights prior{1, 1, 1};
  const std::array<Counts, 4> batches{Counts{20, 17, 9}, Counts{18, 21, 8}, Counts{4, 6, 4}, Counts{18, 19, 11}};
  const std::array<double, 4> alternative{-7.028201432, -11.947847738, -15.471401950, -19.964845211};
  const std::array<double, 4> hypothesis{-4.077640647, -8.265946861, -11.610743520, -15.781031229};
  Counts total{0, 0, 0};
  double under_null = 0;  // with the multinomial coefficients of the batches, which cancel in the ratio
  for (std::size_t i = 0; i < batches.size(); ++i) {
    double all = 0;
    for (std::size_t arm = 0; arm < 3; ++arm) {
      const auto n = static_cast<double>(batches[i][arm]);
      total[arm] += batches[i][arm];
      all += n;
      under_null += n * std::log(null[arm]) - std::lgamma(n + 1);
    }
    under_null += std::lgamma(all + 1);
    EXPECT_NEAR(under_null, hypothesis[i], 2e-9);
    EXPECT_NEAR(under_null + ln_multinomial_e(total, null, prior), alternative[i], 2e-9);
  }
  EXPECT_NEAR(ln_multinomial_e(Counts{60, 63, 32}, null, prior), -4.183813982, 5e-10);
}

TEST(SampleRatio, TheLiveCheckAgrees) {
  const Weights even{1, 1};
  EXPECT_NEAR(ln_sample_ratio_e(Counts{1000, 1200}, even), 7.140302, 5e-7);
  EXPECT_NEAR(std::exp(-ln_sample_ratio_e(Counts{1000, 1200}, even)), 0.000792513, 5e-10);
  EXPECT_NEAR(ln_sample_ratio_e(Counts{135, 115}, even), -0.054789, 5e-7);
  EXPECT_NEAR(ln_sample_ratio_e(Counts{500, 500}, even), -1.201220, 5e-7);
}

TEST(Mixture, AgreesWithConfseq) {
  const NormalMixture normal(100, 0.05);
  EXPECT_NEAR(normal.rho(), 12.60056, 5e-6);
  EXPECT_NEAR(normal.ln_m(10, 100), -0.6510052, 5e-8);
  EXPECT_NEAR(normal.bound(100, 0.05), 30.35209, 5e-6);
  const BetaBinomialMixture two(100, 0.05, 0.2, 0.8);
  EXPECT_NEAR(two.ln_m(10, 100), -0.6941012, 5e-8);
  EXPECT_NEAR(two.bound(100, 0.05).value, 31.4308, 5e-5);
  const BetaBinomialMixture one(100, 0.05, 0.2, 0.8, Sides::one);
  EXPECT_NEAR(one.ln_m(10, 100), -0.07134019, 5e-9);
  EXPECT_NEAR(one.bound(100, 0.05).value, 28.41238, 5e-6);
  EXPECT_NEAR(two.bound(0.32, 0.05).value, 1.6, 1e-12);
  EXPECT_TRUE(two.bound(0.32, 0.05).is_unbounded);
}

std::vector<Bin> ones(double first, double last) {
  std::vector<Bin> bins;
  for (double value = first; value <= last; ++value) bins.push_back({value, value, 1});
  return bins;
}

TEST(Quantile, TwoSamplePValueAgreesWithConfseq) {
  const auto p_value = [](double p, double offset) {
    return quantile_p_value(ones(1, 1000), ones(1 + offset, 1000 + offset), p, 100);
  };
  EXPECT_NEAR(p_value(0.5, 70), 0.814704, 5e-7);
  EXPECT_NEAR(p_value(0.5, 100), 0.0054947, 5e-8);
  EXPECT_NEAR(p_value(0.9, 55), 0.0340463, 5e-8);
}

TEST(Quantile, RankRadiiAgree) {
  struct Known {
    double p, t, low, high, first, last;
  };
  for (const auto& known :
       {Known{0.5, 1000, 0.0609144, 0.0609144, 440, 561}, Known{0.5, 10000, 0.0151748, 0.0151748, 4849, 5152},
        Known{0.9, 10000, 0.0092539, 0.0089556, 8908, 9090}, Known{0.99, 1000, 0.0136605, kInfinity, 977, kInfinity},
        Known{0.99, 10000, 0.0032023, 0.0028362, 9868, 9929}}) {
    const auto radii = rank_radii(known.p, known.t, 0.05);
    EXPECT_NEAR(radii.low, known.low, 5e-8) << known.p << " " << known.t;
    if (known.high == kInfinity) {
      EXPECT_EQ(radii.high, kInfinity);
    } else {
      EXPECT_NEAR(radii.high, known.high, 5e-8) << known.p << " " << known.t;
    }
    // Of values that are their own ranks.
    const auto interval = quantile_interval(ones(1, known.t), known.p, radii);
    EXPECT_EQ(interval.low, known.first);
    EXPECT_EQ(interval.high, known.last);
  }
}

TEST(Quantile, TheUpperEndBecomesFiniteWhenItCan) {
  const std::vector<std::pair<double, double>> first{{0.5, 100}, {0.9, 300}, {0.99, 1075}, {0.999, 5025}};
  for (const auto& [p, wanted] : first) {
    double t = 25;
    while (rank_radii(p, t, 0.05).high == kInfinity) t += 25;
    EXPECT_EQ(t, wanted) << p;
  }
}

TEST(Quantile, TheBandAgrees) { EXPECT_NEAR(distribution_band(1000, 0.05, 100), 0.0828455, 5e-8); }

TEST(Proportion, AgreesWithConfseqInItsForm) {
  struct Known {
    double x, n, t_opt, low, high;
  };
  for (const auto& known : {Known{700, 1000, 100, 0.651629, 0.745949}, Known{5, 50, 50, 0.013021, 0.269264},
                            Known{100, 200, 1, 0.328923, 0.671076}}) {
    const auto excess = [&](double p) {
      const double v = p * (1 - p);
      return BetaBinomialMixture(v * known.t_opt, 0.05, p, 1 - p).ln_m(known.x - p * known.n, v * known.n) + std::log(0.05);
    };
    const double share = known.x / known.n;
    EXPECT_NEAR(bisect(excess, 1e-9, share), known.low, 1e-6);
    EXPECT_NEAR(bisect(excess, share, 1 - 1e-9), known.high, 1e-6);
  }
}

TEST(Proportion, AgreesInOurForm) {
  EXPECT_NEAR(proportion_interval(0, 100, 0.05).high, 0.0570286, 5e-8);
  EXPECT_NEAR(proportion_interval(0, 100, 0.01).high, 0.0720837, 5e-8);
  EXPECT_NEAR(proportion_interval(0, 1000, 0.05).high, 0.00699750, 5e-9);
  EXPECT_NEAR(proportion_interval(0, 1000, 0.01).high, 0.00859439, 5e-9);
  EXPECT_NEAR(proportion_interval(0, 10000, 0.05).high, 0.000816994, 5e-10);
  EXPECT_NEAR(proportion_interval(0, 10000, 0.01).high, 0.000977793, 5e-10);
  EXPECT_NEAR(proportion_interval(3, 10000, 0.05).low, 8.31566e-6, 5e-12);
  EXPECT_NEAR(proportion_interval(3, 10000, 0.05).high, 0.00158203, 5e-9);
  EXPECT_NEAR(proportion_interval(700, 1000, 0.05).low, 0.645438, 5e-7);
  EXPECT_NEAR(proportion_interval(700, 1000, 0.05).high, 0.751017, 5e-7);
  EXPECT_EQ(proportion_interval(0, 0, 0.05).high, 1);
  // What one look at the end would give: the price of looking at any time.
  EXPECT_NEAR(1 - std::pow(0.05, 1.0 / 1000), 0.00299125, 5e-9);
  EXPECT_GT(proportion_interval(0, 1000, 0.05).high, 0.00299125);
  EXPECT_EQ(proportion_interval(5, 5, 0.05).high, 1);
}

TEST(MeanRatio, AgreesWithGrowthBook) {
  struct Arm {
    double sum, squares, n;
    double mean() const { return sum / n; }
    double variance() const { return (squares - sum * sum / n) / (n - 1); }
  };
  const auto lift = [](const Arm& c, const Arm& t, double variance_c, double variance_t, double planned) {
    const double error =
        std::sqrt(variance_t / t.n / (c.mean() * c.mean()) + variance_c / c.n * t.mean() * t.mean() / std::pow(c.mean(), 4));
    const double n = c.n + t.n;
    Estimate estimate{t.mean() / c.mean() - 1, error * std::sqrt(n), n};
    return std::pair(estimate, estimate.interval(0.05, planned));
  };
  const Arm c{1396.87, 52377.9767, 3000};
  const Arm t{2422.7, 134698.29, 3461};
  const auto [estimate, interval] = lift(c, t, c.variance(), t.variance(), 1000);
  EXPECT_NEAR(estimate.value, 0.50336, 5e-6);
  EXPECT_NEAR(estimate.standard_error(), 0.33341, 5e-6);
  EXPECT_NEAR(interval.low, -0.55844, 5e-6);
  EXPECT_NEAR(interval.high, 1.56516, 5e-6);

  const Arm pc{1396, 0, 3000};
  const Arm pt{2422, 0, 3461};
  const auto [share, shares] = lift(pc, pt, pc.mean() * (1 - pc.mean()), pt.mean() * (1 - pt.mean()), 5000);
  EXPECT_NEAR(share.value, 0.50386, 5e-6);
  EXPECT_NEAR(shares.low, 0.40098, 5e-6);
  EXPECT_NEAR(shares.high, 0.60675, 5e-6);

  const double n = c.n + t.n;
  const Estimate absolute{t.mean() - c.mean(), std::sqrt((c.variance() / c.n + t.variance() / t.n) * n), n};
  EXPECT_NEAR(absolute.value, 0.23437667, 5e-9);
  EXPECT_NEAR(absolute.interval(0.05, 5000, Sides::one).low, -0.12656844, 5e-9);
}

TEST(MeanRatio, WidthsAgree) {
  const auto rho = [](double alpha, double planned) { return 1 / std::sqrt(optimal_rho(planned, alpha)); };
  EXPECT_NEAR(rho(0.05, 100), 0.28171181, 5e-9);
  EXPECT_NEAR(rho(0.05, 10000), 0.02817118, 5e-9);
  EXPECT_NEAR(rho(0.01, 100), 0.33961362, 5e-9);
  EXPECT_NEAR(half_width(1, 100, 0.05, 100), 0.30352090, 5e-9);
  EXPECT_NEAR(half_width(1, 1000, 0.05, 100), 0.10251229, 5e-9);
  EXPECT_NEAR(half_width(1, 30, 0.01, 100), 0.67822039, 5e-9);
}

const std::vector<PairedWindow> kSixWindows = {{{10, 20}, {12, 36}}, {{20, 44}, {18, 50}}, {{15, 30}, {15, 48}},
                                               {{10, 18}, {11, 30}}, {{25, 55}, {24, 70}}, {{20, 43}, {20, 57}}};

TEST(MeanRatio, PairedWindowsAgree) {
  const auto absolute = difference(kSixWindows);
  EXPECT_NEAR(absolute.value, 2.91 - 2.1, 1e-12);
  EXPECT_NEAR(absolute.s, 0.2229369418, 5e-11);
  EXPECT_NEAR(half_width(absolute.s, 6, 0.05, 100), 0.4047951385, 5e-11);
  EXPECT_NEAR(absolute.interval(0.05, 100).low, 0.40520486, 5e-9);
  EXPECT_NEAR(absolute.interval(0.05, 100).high, 1.21479514, 5e-9);
  const auto ratio = ln_ratio(kSixWindows);
  EXPECT_NEAR(ratio.value, 0.3262157365, 5e-11);
  EXPECT_NEAR(ratio.s, 0.0904202767, 5e-11);
  EXPECT_NEAR(std::exp(ratio.interval(0.05, 100).low), 1.17590278, 5e-9);
  EXPECT_NEAR(std::exp(ratio.interval(0.05, 100).high), 1.63296159, 5e-9);
}

TEST(MeanRatio, EpochsAreNotPooled) {
  // One per cent at 10 ms, then half at 20 ms: the pooled means differ by 48 %, the arms by nothing.
  const auto epoch = [](double n_c, double n_t, double ms) {
    return std::vector<PairedWindow>(30, PairedWindow{{n_c / 30, n_c * ms / 30}, {n_t / 30, n_t * ms / 30}});
  };
  const auto first = epoch(9900, 100, 10);
  const auto second = epoch(5000, 5000, 20);
  auto pooled = first;
  pooled.insert(pooled.end(), second.begin(), second.end());
  EXPECT_NEAR(std::exp(ln_ratio(pooled).value), 19.804 / 13.356, 1e-4);
  EXPECT_NEAR(combined(std::vector{ln_ratio(first), ln_ratio(second)}).value, 0, 1e-12);
}

TEST(MeanRatio, TenPointsOfOneAgainstSevenOfAHundredIsWorse) {
  std::vector<PairedWindow> windows;
  for (int i = 0; i < 10; ++i) windows.push_back({{1, 1}, {1, i < 7 ? 100.0 : 1.0}});
  const auto interval = ln_ratio(windows).interval(0.05, 10);
  EXPECT_EQ(verdict_of({std::exp(interval.low), std::exp(interval.high)}, 0.05).direction, Direction::worse);
}

TEST(PairedEvents, Agree) {
  struct Known {
    double b, c, two, one;
  };
  for (const auto& known : {Known{0, 0, 0, 0}, Known{10, 10, -0.565933, -0.565933}, Known{15, 5, 1.193336, 1.855288},
                            Known{20, 5, 2.780129, 3.468745}, Known{5, 20, 2.780129, -1.925836}}) {
    EXPECT_NEAR(ln_paired_events_e(known.b, known.c), known.two, 5e-7);
    EXPECT_NEAR(ln_paired_events_e(known.b, known.c, Sides::one), known.one, 5e-7);
  }
  EXPECT_NEAR(mcnemar_p(20, 5), 0.00203866, 5e-9);
  EXPECT_EQ(mcnemar_p(0, 5), 1);
}

TEST(RiskRatio, Agrees) {
  struct Known {
    double e_t, e_c, n_t, n_c, two, one, low, high;
  };
  for (const auto& known : {Known{20, 5, 1000, 1000, 3.085461, 3.776458, 1.0443, 25.7678},
                            Known{30, 10, 1000, 1000, 3.447634, 4.139693, 1.0905, 10.3747},
                            Known{10, 10, 1000, 1000, -0.896152, -0.896152, 0.2847, 3.5125},
                            Known{12, 40, 1000, 9000, 2.018536, 2.704641, 0, 0}}) {
    RiskRatio ratio;
    ratio.add(known.e_t, known.e_c, known.n_t, known.n_c);
    EXPECT_NEAR(ratio.ln_e(), known.two, 5e-7);
    EXPECT_NEAR(ratio.ln_e(Sides::one), known.one, 5e-7);
    if (known.high == 0) continue;
    EXPECT_NEAR(ratio.interval(0.05).low, known.low, 5e-5);
    EXPECT_NEAR(ratio.interval(0.05).high, known.high, 5e-5);
  }
}

TEST(RiskRatio, PartsMakeTheWhole) {
  RiskRatio whole, first, second;
  whole.add(3, 1, 100, 900);
  whole.add(0, 2, 200, 800);
  first.add(3, 1, 100, 900);
  second.add(0, 2, 200, 800);
  second.add(5, 0, 0, 10);  // an arm without requests says nothing
  first.merge(second);
  EXPECT_EQ(first.ln_e(), whole.ln_e());
}

TEST(Multiplicity, SharesAndRejections) {
  EXPECT_DOUBLE_EQ(report_alpha(true, 4, 1), 0.025);
  EXPECT_DOUBLE_EQ(report_alpha(false, 4, 2), 0.003125);
  EXPECT_DOUBLE_EQ(report_alpha(true, 0, 1), 0.05);
  // m = 4, α = 0.05: the k-th largest has to reach 80/k.
  const auto ln = [](double e) { return std::log(e); };
  EXPECT_EQ(e_benjamini_hochberg(std::vector{ln(30), ln(1), ln(41), ln(50)}, 0.05), (std::vector<std::size_t>{0, 2, 3}));
  EXPECT_TRUE(e_benjamini_hochberg(std::vector{ln(79), ln(1), ln(1), ln(1)}, 0.05).empty());
}

TEST(Blocks, StudentAndSigns) {
  const std::vector<double> differences{0.1, 0.2, 0.15, 0.12, 0.18, 0.16};
  const auto effect = block_effect(differences, 0.05);
  EXPECT_NEAR(effect.mean, 0.15166667, 1e-8);
  EXPECT_NEAR(effect.interval.low, 0.112729, 5e-7);
  EXPECT_NEAR(effect.sign_flip_p, 2.0 / 64, 1e-15);
}

TEST(Blocks, Wilks) {
  EXPECT_EQ(wilks_minimum(0.95, 0.95), 59u);
  EXPECT_EQ(wilks_minimum(0.99, 0.95), 299u);
  EXPECT_EQ(wilks_minimum(0.999, 0.95), 2995u);
}

TEST(Blocks, RanksHoldTheQuantile) {
  const auto median = quantile_ranks(100, 0.5, 0.05);
  EXPECT_EQ(median.low, 40u);
  EXPECT_EQ(median.high, 61u);
  EXPECT_FALSE(quantile_ranks(100, 0.99, 0.05).high);
}

TEST(Verdict, Words) {
  EXPECT_EQ(verdict_of({0.8, 0.9}, 0.05).words(), "better");
  EXPECT_EQ(verdict_of({1.1, 1.2}, 0.05).words(), "worse");
  EXPECT_EQ(verdict_of({0.97, 1.03}, 0.05).words(), "equivalent");
  EXPECT_EQ(verdict_of({0.96, 0.99}, 0.05).words(), "better, but within the margin");
  EXPECT_EQ(verdict_of({0.9, 1.03}, 0.05).words(), "undecided");
  EXPECT_EQ(verdict_of({}, 0.05).words(), "undecided");
}

}  // namespace
}  // namespace tandem::statistics
