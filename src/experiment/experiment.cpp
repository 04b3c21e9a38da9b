#include "experiment/experiment.hpp"

namespace tandem::experiment {

Experiment::Experiment(Settings settings, std::shared_ptr<const Layout> layout, unsigned io_threads,
                       std::shared_ptr<measure::Recorder> recorder)
    : id_(settings.id),
      salt_(settings.salt),
      recorder_(std::move(recorder)),
      shadow_(std::make_shared<Shadow>(io_threads)),
      layout_(std::move(layout)),
      seen_(io_threads) {
  for (const auto& arm : settings.arms) {
    if (arm.name == settings.control) control_ = arms_.size();
    arms_.push_back(arm.name);
    breakers_.push_back(std::make_unique<Breaker>(io_threads));
  }
  settings_ = std::make_shared<const Settings>(std::move(settings));
  shadow_->set_running(layout_->state == State::running);
}

std::shared_ptr<const Settings> Experiment::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

void Experiment::set_settings(Settings settings) {
  auto shared = std::make_shared<const Settings>(std::move(settings));
  const std::lock_guard lock(mutex_);
  settings_ = std::move(shared);
}

std::shared_ptr<const Layout> Experiment::layout() const {
  const std::lock_guard lock(mutex_);
  return layout_;
}

void Experiment::set_layout(std::shared_ptr<const Layout> layout) {
  const bool is_running = layout->state == State::running;
  {
    const std::lock_guard lock(mutex_);
    layout_.swap(layout);  // the old one is let go of without the mutex
    version_.fetch_add(1, std::memory_order_release);
  }
  shadow_->set_running(is_running);
  for (const auto& breaker : breakers_) breaker->forgive();
}

const Layout& Experiment::layout(const Loop& loop) const {
  Seen& seen = seen_[loop.index()];
  const auto version = version_.load(std::memory_order_acquire);
  if (seen.version != version) {
    seen.layout = layout();
    seen.version = version;
  }
  return *seen.layout;
}

bool Experiment::wants_cpu(const Loop& loop, unsigned every) const {
  Seen& seen = seen_[loop.index()];
  if (seen.until_cpu == 0) {
    seen.until_cpu = every - 1;
    return true;
  }
  --seen.until_cpu;
  return false;
}

void Experiment::count_key(const Loop& loop, const KeySource* source) const {
  auto& count = seen_[loop.index()].keys[source ? static_cast<std::size_t>(source->kind) : kKeyKinds];
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

std::array<std::uint64_t, Experiment::kKeyKinds + 1> Experiment::keys_found() const {
  std::array<std::uint64_t, kKeyKinds + 1> sums{};
  for (const auto& seen : seen_)
    for (std::size_t kind = 0; kind < sums.size(); ++kind) sums[kind] += seen.keys[kind].load(std::memory_order_relaxed);
  return sums;
}

void Experiment::on_give_up(GiveUp give_up) {
  const std::lock_guard lock(mutex_);
  give_up_ = std::move(give_up);
}

void Experiment::give_up(std::size_t arm, const std::string& why) const {
  std::unique_lock lock(mutex_);
  const auto tell = give_up_;
  lock.unlock();
  if (tell) tell(arms_[arm], why);
}

std::shared_ptr<Experiment> begin_experiment(Settings settings, unsigned io_threads,
                                             std::shared_ptr<measure::Recorder> recorder) {
  LayoutOrder order;
  for (const auto& arm : settings.arms) {
    if (arm.name == settings.control) order.control = order.weights_bp.size();
    order.weights_bp.push_back(arm.weight_bp);
  }
  order.analysis = settings.analysis;
  order.state = settings.start ? State::running : State::draft;
  auto layout = make_layout(order, nullptr);
  return std::make_shared<Experiment>(std::move(settings), std::move(layout), io_threads, std::move(recorder));
}

}  // namespace tandem::experiment
