#include "experiment/breaker.hpp"

namespace tandem::experiment {

using std::chrono_literals::operator""s;

Breaker::Admission Breaker::admit(TimePoint now) {
  switch (state()) {
    case State::closed:
      return Admission::yes;
    case State::given_up:
      return Admission::no;
    case State::open:
    case State::half_open:
      break;
  }
  const std::lock_guard lock(mutex_);
  if (state() == State::closed) return Admission::yes;
  if (state() == State::given_up || now < next_try_) return Admission::no;
  state_.store(State::half_open, std::memory_order_relaxed);
  next_try_ = now + 1s;
  return Admission::probe;
}

std::string Breaker::record(unsigned shard, Admission admission, Result result, TimePoint now) {
  if (admission == Admission::probe) return record_probe(result, now);
  count(shards_[shard], result != Result::good, now);
  if (result == Result::crashed) {
    if (crashes_.fetch_add(1, std::memory_order_relaxed) + 1 >= kCrashes)
      return trip(now, std::to_string(kCrashes) + " crashes of its worker in a row");
  } else if (crashes_.load(std::memory_order_relaxed) != 0) {
    crashes_.store(0, std::memory_order_relaxed);
  }
  return result == Result::good ? std::string() : judge(now);
}

void Breaker::forgive() {
  const std::lock_guard lock(mutex_);
  if (state() == State::given_up) state_.store(State::closed, std::memory_order_relaxed);
  trip_times_.clear();
}

std::int64_t Breaker::period_of(TimePoint now) {
  return std::chrono::duration_cast<Milliseconds>(now.time_since_epoch()).count() / 500;
}

void Breaker::count(Shard& shard, bool failed, TimePoint now) const {
  const auto period = period_of(now);
  const auto slot = static_cast<std::size_t>(period & 1);
  if (shard.period[slot].load(std::memory_order_relaxed) != period) {
    shard.attempts[slot].store(0, std::memory_order_relaxed);
    shard.failures[slot].store(0, std::memory_order_relaxed);
    shard.period[slot].store(period, std::memory_order_relaxed);
  }
  const auto add = [](std::atomic<std::uint32_t>& counter) {  // one writer
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  };
  add(shard.attempts[slot]);
  if (failed) add(shard.failures[slot]);
}

std::string Breaker::judge(TimePoint now) {
  const auto period = period_of(now);
  std::uint64_t attempts = 0, failures = 0;
  for (const auto& shard : shards_)
    for (std::size_t slot = 0; slot < 2; ++slot) {
      if (shard.period[slot].load(std::memory_order_relaxed) < period - 1) continue;
      attempts += shard.attempts[slot].load(std::memory_order_relaxed);
      failures += shard.failures[slot].load(std::memory_order_relaxed);
    }
  if (attempts < kMinAttempts || failures * 2 < attempts) return {};
  return trip(now, std::to_string(failures) + " of " + std::to_string(attempts) + " answers within a second were errors");
}

std::string Breaker::trip(TimePoint now, std::string why) {
  const std::lock_guard lock(mutex_);
  if (state() != State::closed) return {};  // another thread was first, or a request from before the trip
  crashes_.store(0, std::memory_order_relaxed);
  return open(now, std::move(why));
}

std::string Breaker::open(TimePoint now, std::string why) {
  good_probes_ = 0;
  next_try_ = now + kOff;
  trips_total_.fetch_add(1, std::memory_order_relaxed);
  std::erase_if(trip_times_, [&](TimePoint time) { return now - time > kTripWindow; });
  trip_times_.push_back(now);
  const bool is_final = trip_times_.size() >= kTrips;
  state_.store(is_final ? State::given_up : State::open, std::memory_order_relaxed);
  return why;
}

std::string Breaker::record_probe(Result result, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (state() != State::half_open) return {};
  if (result != Result::good) return open(now, "a trial request failed");
  if (++good_probes_ < kGoodProbes) return {};
  state_.store(State::closed, std::memory_order_relaxed);
  return {};
}

}  // namespace tandem::experiment
