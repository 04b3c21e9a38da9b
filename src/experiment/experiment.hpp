// One experiment as it runs: outlives reloads and the tables that send it requests. Thread: any, where nothing else is said.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/loop.hpp"
#include "experiment/breaker.hpp"
#include "experiment/layout.hpp"
#include "experiment/settings.hpp"
#include "experiment/shadow.hpp"

namespace tandem::measure {
class Recorder;
}

namespace tandem::experiment {

class Experiment {
 public:
  // Told once when a candidate's breaker has tripped so often that it should be rolled back: its name and why, in words.
  // Thread: an I/O thread, which must not be held up.
  using GiveUp = std::function<void(std::string_view arm, const std::string& why)>;

  static constexpr std::size_t kKeyKinds = 7;

  // `recorder` may be null: nothing is counted.
  Experiment(Settings settings, std::shared_ptr<const Layout> layout, unsigned io_threads,
             std::shared_ptr<measure::Recorder> recorder);

  // What never changes: another id, salt, or other arms make another experiment.
  const std::string& id() const { return id_; }
  const std::vector<std::string>& arms() const { return arms_; }
  std::size_t control() const { return control_; }
  const std::string& salt() const { return salt_; }
  measure::Recorder* recorder() const { return recorder_.get(); }

  // Of the newest config.
  std::shared_ptr<const Settings> settings() const;
  void set_settings(Settings settings);

  std::shared_ptr<const Layout> layout() const;
  // Requests that began with the old one keep it. A candidate that its breaker had given up gets another chance.
  void set_layout(std::shared_ptr<const Layout> layout);
  // Without a shared counter per request. Valid until the loop's next call. Thread: the loop's.
  const Layout& layout(const Loop& loop) const;

  // Is this request one of those whose CPU time is read, one in `every`? Thread: the loop's.
  bool wants_cpu(const Loop& loop, unsigned every) const;

  // Where the key of a request was found; null: nowhere. Thread: the loop's.
  void count_key(const Loop& loop, const KeySource* source) const;
  // By KeySource::Kind, the last: requests without a key.
  std::array<std::uint64_t, kKeyKinds + 1> keys_found() const;

  Shadow& shadow() const { return *shadow_; }
  Breaker& breaker(std::size_t arm) { return *breakers_[arm]; }
  const Breaker& breaker(std::size_t arm) const { return *breakers_[arm]; }
  void on_give_up(GiveUp give_up);
  void give_up(std::size_t arm, const std::string& why) const;

 private:
  // Each I/O thread's own reference, refreshed when the version has moved on.
  struct alignas(64) Seen {
    std::uint64_t version = 0;
    std::shared_ptr<const Layout> layout;
    unsigned until_cpu = 0;
    std::array<std::atomic<std::uint64_t>, kKeyKinds + 1> keys{};  // one writer
  };

  std::string id_;
  std::string salt_;
  std::vector<std::string> arms_;
  std::size_t control_ = 0;
  std::shared_ptr<measure::Recorder> recorder_;
  const std::shared_ptr<Shadow> shadow_;
  std::vector<std::unique_ptr<Breaker>> breakers_;  // by arm
  mutable std::mutex mutex_;
  std::shared_ptr<const Settings> settings_;  // guarded by mutex_
  std::shared_ptr<const Layout> layout_;      // guarded by mutex_
  GiveUp give_up_;                            // guarded by mutex_
  std::atomic<std::uint64_t> version_{1};
  mutable std::vector<Seen> seen_;  // by loop index, touched by that thread only
};

// One that begins with the weights of its settings, all of its life before it.
std::shared_ptr<Experiment> begin_experiment(Settings settings, unsigned io_threads,
                                             std::shared_ptr<measure::Recorder> recorder);

}  // namespace tandem::experiment
