#include "simulate/product.hpp"

#include <memory>
#include <vector>

#include "experiment/default_guardrails.hpp"
#include "experiment/layout.hpp"
#include "measure/recorder.hpp"
#include "steering/guardrails.hpp"

namespace tandem::simulate {
namespace {

using experiment::GuardrailSettings;

constexpr std::int64_t kStart = 1'800'000'000;
constexpr unsigned kWindowsPerLook = 6;
constexpr unsigned kCpuSample = 16;

class Server {
 public:
  explicit Server(const Model& model) : model_(model) {
    settings_.id = settings_.salt = settings_.route = "simulated";
    settings_.arms = {{"old", 5000}, {"new", 5000}};
    settings_.control = "old";
    settings_.guardrails = experiment::default_guardrails();  // without shadows there are no mismatches
    const auto seconds = static_cast<std::int64_t>(model.window_seconds);
    state_.record = measure::Record(2, seconds);
    state_.arms = {{"old", "python", 5000}, {"new", "native", 5000}};
    state_.assign = model.users > 0 ? "sticky" : "request";
  }

  void begin_window(double share) {
    const auto candidate = static_cast<unsigned>(share * experiment::kBuckets + 0.5);
    if (layout_ && layout_->weights_bp[1] == candidate) return;
    experiment::LayoutOrder order;
    order.weights_bp = {experiment::kBuckets - candidate, candidate};
    layout_ = experiment::make_layout(order, layout_.get());
    state_.record.begin_epoch(layout_->epoch, now_, order.weights_bp);
    scope_.shares_since = now_;
    scope_.shares_number = static_cast<std::uint32_t>(layout_->revision);
  }

  void answer(const Request& request) {
    const auto bucket = static_cast<std::size_t>(request.bucket * experiment::kBuckets);
    measure::Observation one;
    one.arm = layout_->owner[bucket];
    one.epoch = layout_->epoch;
    one.is_analysed = layout_->is_analysed[bucket];
    one.has_key = request.has_user;
    one.cluster = request.hash;
    one.status = request.failed ? 500 : 200;
    one.total = Nanoseconds(static_cast<std::int64_t>(request.nanoseconds));
    one.has_cpu = ++requests_ % kCpuSample == 0;
    one.cpu = Nanoseconds(static_cast<std::int64_t>(request.work_nanoseconds / 4));
    one.bytes_out = 100;
    recorder_.record(0, one);
  }

  void end_window(Told& told) {
    state_.record.add(recorder_.take(0), now_);
    now_ += state_.record.window_seconds();
    scope_.now = now_;
    for (const auto& one : steering::judge(settings_, state_.record, {}, scope_))
      told.has_fired |= one.has_fired && settings_.guardrails[one.guardrail].action != GuardrailSettings::Action::warn;
    if (++windows_ % kWindowsPerLook == 0) look(told);
  }

 private:
  void look(Told& told) const {
    const auto report = report::evaluate(state_);
    const auto& candidate = report.candidates.front();
    told.was_invalid |= candidate.standing == report::Standing::invalid;
    told.is_judged = candidate.standing == report::Standing::judged;
    for (const auto& effect : candidate.effects) {
      if (effect.standing != report::Standing::judged) continue;
      const auto metric = static_cast<std::size_t>(effect.metric);
      const bool differs = effect.verdict.direction != statistics::Direction::undecided;
      told.differs[metric] |= differs;
      told.is_worse[metric] |= effect.verdict.direction == statistics::Direction::worse;
      told.any |= differs;
    }
  }

  const Model& model_;
  experiment::Settings settings_;
  report::State state_;
  measure::Recorder recorder_{2, 1};
  std::shared_ptr<experiment::Layout> layout_;
  steering::Scope scope_;
  std::int64_t now_ = kStart;
  unsigned windows_ = 0;
  std::uint64_t requests_ = 0;
};

}  // namespace

Told ask_the_product(const Model& model, std::uint64_t seed) {
  Told told;
  Server server(model);
  Traffic traffic(model, seed, [&](const Request& request) { server.answer(request); });
  for (unsigned i = 0; i < model.windows; ++i) {
    server.begin_window(traffic.next_share());
    traffic.next_window();
    server.end_window(told);
  }
  return told;
}

}  // namespace tandem::simulate
