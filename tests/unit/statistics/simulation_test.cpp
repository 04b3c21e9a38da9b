// How often the estimators say something of two arms that are the same, and how often they see a difference that is there,
// when they are looked at after every window. Seeded: a run is the same every time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <span>
#include <vector>

#include "statistics/mean_ratio.hpp"
#include "statistics/quantile.hpp"
#include "statistics/risk_ratio.hpp"

namespace tandem::statistics {
namespace {

constexpr double kAlpha = 0.05;
constexpr double kPlanned = 180;

// The largest rate that `runs` runs at `nominal` leave plausible.
double at_most(double nominal, int runs) { return nominal + 3 * std::sqrt(nominal * (1 - nominal) / runs); }

// A histogram of log buckets 1 % wide.
class Buckets {
 public:
  void add(double value) { ++counts_[static_cast<int>(std::floor(std::log(value) / kStep))]; }
  std::vector<Bin> bins() const {
    std::vector<Bin> bins;
    for (const auto& [index, count] : counts_)
      bins.push_back({std::exp(index * kStep), std::exp((index + 1) * kStep), count});
    return bins;
  }

 private:
  static constexpr double kStep = 0.01;
  std::map<int, std::uint64_t> counts_;
};

struct Arm {
  Buckets buckets;
  std::vector<std::vector<double>> windows;

  void add(std::vector<double> window) {
    for (const double value : window) buckets.add(value);
    windows.push_back(std::move(window));
  }
  double effect(double quantile_value) const {
    std::vector<Sums> sums;
    for (const auto& window : windows) {
      const auto below = std::count_if(window.begin(), window.end(), [&](double value) { return value <= quantile_value; });
      sums.push_back({static_cast<double>(window.size()), static_cast<double>(below)});
    }
    return design_effect(sums);
  }
};

QuantileRatio ratio_at(const Arm& control, const Arm& candidate, double p) {
  const auto c = control.buckets.bins();
  const auto t = candidate.buckets.bins();
  return quantile_ratio(c, t, p, kAlpha, control.effect(quantile(c, p)), candidate.effect(quantile(t, p)));
}

Sums sums_of(const std::vector<double>& window) {
  Sums sums;
  for (const double value : window) sums = {sums.n + 1, sums.y + value};
  return sums;
}

std::vector<double> lognormal(std::mt19937_64& random, int n, double factor = 1) {
  std::lognormal_distribution<double> latency(0, 0.8);
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(factor * latency(random));
  return values;
}

bool excludes_no_effect(const Estimate& estimate) { return !estimate.interval(kAlpha, kPlanned).contains(0); }

TEST(Simulation, EqualArmsOfIndependentRequestsSeldomDiffer) {
  constexpr int kRuns = 400;
  int crossed = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::mt19937_64 random(static_cast<unsigned>(run));
    std::vector<PairedWindow> windows;
    bool has_crossed = false;
    while (windows.size() < 180 && !has_crossed) {
      windows.push_back({sums_of(lognormal(random, 30)), sums_of(lognormal(random, 30))});
      has_crossed = windows.size() >= 30 && excludes_no_effect(ln_ratio(windows));
    }
    crossed += has_crossed;
  }
  EXPECT_LE(crossed, at_most(kAlpha, kRuns) * kRuns);
}

TEST(Simulation, EqualQuantilesOfIndependentRequestsSeldomDiffer) {
  constexpr int kRuns = 100;
  int crossed = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::mt19937_64 random(1000 + static_cast<unsigned>(run));
    Arm control, candidate;
    bool has_crossed = false;
    for (int window = 1; window <= 100 && !has_crossed; ++window) {
      control.add(lognormal(random, 50));
      candidate.add(lognormal(random, 50));
      if (window >= 30 && window % 5 == 0)
        for (const double p : {0.5, 0.9}) has_crossed |= !ratio_at(control, candidate, p).interval.contains(1);
    }
    crossed += has_crossed;
  }
  EXPECT_LE(crossed, at_most(2 * kAlpha, kRuns) * kRuns);
}

// Both arms drift together, and each stalls by itself now and then: requests of one window are alike.
struct Stalling {
  double drift = 0;
  std::vector<double> window(std::mt19937_64& random, int n) const {
    return lognormal(random, n, std::exp(drift) * (std::bernoulli_distribution(0.1)(random) ? 4 : 1));
  }
  void move(std::mt19937_64& random) { drift += std::normal_distribution<double>(0, 0.03)(random); }
};

TEST(Simulation, StallsAndDriftFoolOnlyWhoCountsRequests) {
  constexpr int kRuns = 300;
  int crossed = 0;
  int naive_crossed = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::mt19937_64 random(2000 + static_cast<unsigned>(run));
    Stalling traffic;
    std::vector<PairedWindow> windows;
    std::vector<double> all[2];
    bool has_crossed = false;
    bool naive_has_crossed = false;
    while (windows.size() < 120) {
      traffic.move(random);
      const auto c = traffic.window(random, 60);
      const auto t = traffic.window(random, 60);
      windows.push_back({sums_of(c), sums_of(t)});
      all[0].insert(all[0].end(), c.begin(), c.end());
      all[1].insert(all[1].end(), t.begin(), t.end());
      if (windows.size() < 30 || windows.size() % 10 != 0) continue;
      has_crossed |= excludes_no_effect(ln_ratio(windows));
      double mean[2], error[2];
      for (int arm = 0; arm < 2; ++arm) {
        const auto total = sums_of(all[arm]);
        mean[arm] = total.y / total.n;
        double squares = 0;
        for (const double value : all[arm]) squares += (value - mean[arm]) * (value - mean[arm]);
        error[arm] = squares / total.n / total.n;
      }
      naive_has_crossed |= std::abs(mean[1] - mean[0]) > 1.96 * std::sqrt(error[0] + error[1]);
    }
    crossed += has_crossed;
    naive_crossed += naive_has_crossed;
  }
  EXPECT_LE(crossed, at_most(kAlpha, kRuns) * kRuns);
  EXPECT_GT(naive_crossed, kRuns / 2);
}

TEST(Simulation, StallsAndDriftFoolNoQuantile) {
  constexpr int kRuns = 60;
  int crossed = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::mt19937_64 random(3000 + static_cast<unsigned>(run));
    Stalling traffic;
    Arm control, candidate;
    bool has_crossed = false;
    for (int window = 1; window <= 120 && !has_crossed; ++window) {
      traffic.move(random);
      control.add(traffic.window(random, 60));
      candidate.add(traffic.window(random, 60));
      if (window >= 30 && window % 10 == 0) has_crossed |= !ratio_at(control, candidate, 0.9).interval.contains(1);
    }
    crossed += has_crossed;
  }
  EXPECT_LE(crossed, at_most(kAlpha, kRuns) * kRuns);
}

// A few clients make most of the requests, and each has its own kind of them: windows look independent, clients are not.
TEST(Simulation, HeavyUsersAreSeenByTheirClusters) {
  constexpr int kRuns = 100;
  int crossed = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::mt19937_64 random(4000 + static_cast<unsigned>(run));
    std::vector<PairedWindow> windows(120);
    std::vector<std::vector<Sums>> added[2];  // by window, then by cluster
    for (auto& arm : added) arm.assign(120, std::vector<Sums>(64));
    for (int arm = 0; arm < 2; ++arm)
      for (int user = 0; user < 400; ++user) {
        const double requests =
            std::min(std::ceil(std::pow(1 - std::uniform_real_distribution<double>()(random), -1 / 1.3)), 400.0);
        const double level = std::lognormal_distribution<double>(0, 0.7)(random);
        const auto cluster = std::uniform_int_distribution<std::size_t>(0, 63)(random);
        for (double i = 0; i < requests; ++i) {
          const double value = level * std::lognormal_distribution<double>(0, 0.3)(random);
          const auto at = std::uniform_int_distribution<std::size_t>(0, 119)(random);
          for (auto* sums : {arm == 0 ? &windows[at].control : &windows[at].candidate, &added[arm][at][cluster]}) {
            sums->n += 1;
            sums->y += value;
          }
        }
      }
    std::vector<Sums> clusters[2] = {std::vector<Sums>(64), std::vector<Sums>(64)};
    bool has_crossed = false;
    for (std::size_t window = 1; window <= windows.size(); ++window) {
      for (int arm = 0; arm < 2; ++arm)
        for (std::size_t i = 0; i < 64; ++i) {
          clusters[arm][i].n += added[arm][window - 1][i].n;
          clusters[arm][i].y += added[arm][window - 1][i].y;
        }
      if (window < 30) continue;
      const auto by_window = ln_ratio(std::span(windows).first(window));
      const auto reported = with_variance_at_least(by_window, ln_mean_variance(clusters[0]) + ln_mean_variance(clusters[1]));
      has_crossed |= excludes_no_effect(reported);
      if (window == windows.size()) {
        EXPECT_GT(reported.s, by_window.s);
      }
    }
    EXPECT_LT(effective_clusters(clusters[0]), 64);
    crossed += has_crossed;
  }
  EXPECT_LE(crossed, at_most(kAlpha, kRuns) * kRuns);
}

TEST(Simulation, ATailThatIsAFifthLongerIsFound) {
  constexpr int kRuns = 40;
  int found = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::mt19937_64 random(5000 + static_cast<unsigned>(run));
    Arm control, candidate;
    bool is_worse = false;
    for (int window = 1; window <= 60 && !is_worse; ++window) {
      std::vector<double> c = lognormal(random, 2000);
      std::vector<double> t = lognormal(random, 2000);
      for (double& value : t)
        if (value > 4) value *= 1.2;  // the slowest 4 %
      control.add(std::move(c));
      candidate.add(std::move(t));
      if (window >= 30 && window % 10 == 0) is_worse = ratio_at(control, candidate, 0.99).interval.low > 1;
    }
    found += is_worse;
  }
  EXPECT_GE(found, kRuns * 9 / 10);
}

// 200 requests a second, 1 % → 5 % → 25 % → 50 % of them for the candidate, an error rate of 0.5 % that drifts for both.
struct Ramp {
  double factor = 1;  // of the candidate's error rate
  std::vector<double> shares;
  int seconds_a_step = 600;

  // After how many seconds the guardrail fires; −1: never.
  int fires(unsigned seed, double alpha) const {
    std::mt19937_64 random(seed);
    RiskRatio ratio;
    double drift = 0;
    int second = 0;
    for (const double share : shares)
      for (int i = 0; i < seconds_a_step; ++i) {
        drift += std::normal_distribution<double>(0, 0.02)(random);
        const double rate = 0.005 * std::exp(std::clamp(drift, -1.0, 1.0));
        const int n_t = std::binomial_distribution<int>(200, share)(random);
        const auto events = [&](int n, double p) { return std::binomial_distribution<int>(n, std::min(p, 1.0))(random); };
        const int e_t = events(n_t, rate * factor);
        const int e_c = events(200 - n_t, rate);
        ratio.add(e_t, e_c, n_t, 200 - n_t);
        ++second;
        if (ratio.ln_e(Sides::one) >= -std::log(alpha)) return second;
      }
    return -1;
  }
};

TEST(Simulation, AnErrorGuardrailSeldomFiresForEqualArms) {
  constexpr int kRuns = 60;
  const Ramp ramp{1, {0.01, 0.05, 0.25, 0.5}, 150};
  int fired = 0;
  for (int run = 0; run < kRuns; ++run) fired += ramp.fires(6000 + static_cast<unsigned>(run), 0.01) > 0;
  EXPECT_LE(fired, at_most(0.01, kRuns) * kRuns);
}

TEST(Simulation, AnErrorGuardrailFiresInTime) {
  struct Case {
    double factor, share;
    int within;
  };
  for (const auto& wanted : {Case{10, 0.01, 120}, Case{10, 0.05, 40}, Case{100, 0.01, 20}}) {
    constexpr int kRuns = 100;
    const Ramp ramp{wanted.factor, {wanted.share}, wanted.within};
    int fired = 0;
    for (int run = 0; run < kRuns; ++run) fired += ramp.fires(7000 + static_cast<unsigned>(run), 0.01) > 0;
    EXPECT_GE(fired, kRuns * 9 / 10) << wanted.factor << " times at " << wanted.share;
  }
}

}  // namespace
}  // namespace tandem::statistics
