#include "simulate/traffic.hpp"

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>
#include <boost/random/normal_distribution.hpp>
#include <boost/random/poisson_distribution.hpp>
#include <boost/random/uniform_01.hpp>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "observe/histogram.hpp"

namespace tandem::simulate {
namespace {

using observe::Histogram;

constexpr double kTail = 1.6448536269514722;  // a standard normal is above it one time in twenty

double uniform(boost::random::mt19937_64& random) { return boost::random::uniform_01<double>()(random); }
double normal(boost::random::mt19937_64& random) { return boost::random::normal_distribution<double>()(random); }
double exponential(boost::random::mt19937_64& random, double mean) {
  return boost::random::exponential_distribution<double>(1 / mean)(random);
}

}  // namespace

Traffic::Traffic(const Model& model, std::uint64_t seed, Listener listener)
    : model_(model), listener_(std::move(listener)), random_(seed) {
  for (auto& arm : arms_) {
    arm.counts.resize(Histogram::kBuckets);
    if (model.users > 0)
      for (auto& counts : arm.cluster_counts) counts.resize(Histogram::kBuckets);
  }
  double walk = 0;
  for (unsigned i = 0; i <= model.windows; ++i) {
    walk_.push_back(walk);
    if (model.drift > 0) walk += model.drift * normal(random_) / std::sqrt(static_cast<double>(model.windows));
  }
  if (model.stall_every > 0) make_freezes();
  if (model.users > 0) make_users();
}

void Traffic::make_freezes() {
  const double end = model_.windows * model_.window_seconds;
  for (auto& freezes : freezes_)
    for (double at = exponential(random_, model_.stall_every); at < end; at += exponential(random_, model_.stall_every)) {
      const double to = at + exponential(random_, model_.stall_seconds);
      freezes.push_back({at, to});
      at = to;
    }
}

void Traffic::make_users() {
  std::vector<double> activity(model_.users);
  for (auto& one : activity) one = std::pow(1 - uniform(random_), -1 / model_.pareto);
  for (unsigned i = 0; i < model_.users; ++i)
    users_.push_back({uniform(random_), std::exp(model_.user_sigma * normal(random_)),
                      static_cast<std::uint32_t>(uniform(random_) * kClusters)});

  // Vose's construction: every slot has a share of its own and gives the rest to one other.
  const double mean = std::accumulate(activity.begin(), activity.end(), 0.0) / model_.users;
  alias_share_.resize(model_.users, 1);
  alias_other_.resize(model_.users);
  std::vector<std::uint32_t> small, large;
  for (unsigned i = 0; i < model_.users; ++i) {
    activity[i] /= mean;
    (activity[i] < 1 ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const auto less = small.back(), more = large.back();
    small.pop_back();
    alias_share_[less] = activity[less];
    alias_other_[less] = more;
    activity[more] -= 1 - activity[less];
    if (activity[more] < 1) {
      large.pop_back();
      small.push_back(more);
    }
  }
}

std::size_t Traffic::pick_user() {
  const double place = uniform(random_) * static_cast<double>(users_.size());
  const auto slot = static_cast<std::size_t>(place);
  return place - static_cast<double>(slot) < alias_share_[slot] ? slot : alias_other_[slot];
}

double Traffic::drift_at(double at) const {
  if (model_.drift == 0) return 1;
  const double place = at / model_.window_seconds;
  const auto window = static_cast<std::size_t>(place);
  const double walk = walk_[window] + (walk_[window + 1] - walk_[window]) * (place - static_cast<double>(window));
  return std::exp(walk + model_.drift * std::sin(2 * std::numbers::pi * at / 1200));
}

double Traffic::wait_in_freeze(Arm arm, double at) const {
  const auto& freezes = freezes_[arm];
  const auto next = std::partition_point(freezes.begin(), freezes.end(), [at](const Frozen& one) { return one.from <= at; });
  return next == freezes.begin() ? 0 : std::max(0.0, std::prev(next)->to - at);
}

void Traffic::add_request(double at, double share, User* user) {
  const double bucket = user != nullptr ? user->bucket : uniform(random_);
  const Arm arm = bucket >= 1 - share ? candidate : control;
  auto& log = arms_[arm];
  const double drift = drift_at(at);
  const double wait = model_.stall_every > 0 ? wait_in_freeze(arm, at) : 0;

  double fails = model_.error_rate * drift + (wait > 0 ? model_.stall_errors : 0);
  if (arm == candidate) fails *= model_.candidate_errors;
  const bool failed = uniform(random_) < fails;
  auto& all = log.windows_of_all.back();
  ++all.requests;
  all.errors += failed;
  const bool is_compared = arm == candidate || bucket < share || share >= 0.5;  // else not in the mirror image
  if (!is_compared && !listener_) return;

  const double z = normal(random_);
  double milliseconds = model_.base_ms * drift * std::exp(model_.sigma * z);
  if (user != nullptr) milliseconds *= user->factor;
  if (arm == candidate) milliseconds *= model_.candidate_scale * (z > kTail ? model_.candidate_tail : 1);
  const double nanoseconds = milliseconds * 1e6 + wait * 1e9;
  if (listener_) {
    const auto hash = user != nullptr ? static_cast<std::uint32_t>((user - users_.data()) * 2654435761u) : 0;
    listener_({bucket, user != nullptr, hash, failed, nanoseconds, milliseconds * 1e6});
    return;
  }
  const auto index = Histogram::index_of(static_cast<std::uint64_t>(nanoseconds));

  const auto count = [&](Sums& sums) {
    ++sums.requests;
    sums.errors += failed;
    sums.nanoseconds += nanoseconds;
    sums.squares += nanoseconds * nanoseconds;
  };
  count(log.total);
  count(log.windows.back().sums);
  ++log.counts[index];
  ++log.windows.back().below[index + 1];
  if (user == nullptr) return;
  count(log.clusters[user->cluster]);
  ++log.cluster_counts[user->cluster][index];
  if (!user->seen) ++log.users;
  user->seen = true;
}

double Traffic::next_share() const {
  return model_.ramp.empty() ? 0.5 : model_.ramp[arms_[0].windows.size() * model_.ramp.size() / model_.windows];
}

void Traffic::next_window() {
  const double share = next_share();
  const auto window = arms_[0].windows.size();
  for (auto& arm : arms_) {
    arm.windows.push_back({{}, std::vector<std::uint32_t>(Histogram::kBuckets + 1)});
    arm.windows_of_all.emplace_back();
  }
  const auto mean = model_.requests_per_second * model_.window_seconds;
  const auto requests = boost::random::poisson_distribution<unsigned, double>(mean)(random_);
  for (unsigned i = 0; i < requests; ++i) {
    const double at = (static_cast<double>(window) + uniform(random_)) * model_.window_seconds;
    add_request(at, share, users_.empty() ? nullptr : &users_[pick_user()]);
  }
  for (auto& arm : arms_) {
    auto& below = arm.windows.back().below;
    std::partial_sum(below.begin(), below.end(), below.begin());
  }
}

}  // namespace tandem::simulate
