#include "benchmark/contest.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>

namespace tandem::benchmark {

namespace {

using loadgen::Block;
using loadgen::Generator;
using loadgen::Load;
using loadgen::Side;
using loadgen::WireRequest;
using Answer = comparison::Answer;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMaxChecked = 500;  // requests of a corpus whose answers are compared before the load
constexpr std::size_t kMaxSamples = 20;
constexpr Nanoseconds kProbe = Milliseconds(300);  // of one arm
constexpr Nanoseconds kIdle = Milliseconds(300);
constexpr double kMinRate = 5, kMaxRate = 2000;  // of a rate that nobody asked for
constexpr unsigned kConfirmations = 3;
constexpr unsigned kBisections = 5;
constexpr double kMaxCapacity = 500'000;

double seconds(Nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

std::string example_of(const loadgen::PlannedRequest& request) { return request.method + " " + request.target; }

std::vector<WireRequest> wire_requests(const Orders& orders, const Opponent& opponent) {
  std::vector<WireRequest> wire;
  wire.reserve(orders.requests.size());
  for (const auto& request : orders.requests) wire.push_back(make_wire_request(request, opponent.host, opponent.fields));
  return wire;
}

// Its answer to that request is the same each time: a load may expect it.
void expect(WireRequest& request, const Answer& first, const Answer& second) {
  if (first.status != second.status) return;
  request.status = first.status;
  request.has_body = !first.is_large() && first.body == second.body && first.body_bytes == second.body_bytes;
  if (request.has_body) request.body = first.body;
}

class Contest {
 public:
  explicit Contest(const Orders& orders)
      : orders_(orders),
        requests_{wire_requests(orders, orders.control), wire_requests(orders, orders.candidate)},
        begin_(SteadyClock::now()) {
    run_.title = orders.title;
    run_.control = orders.control.subject;
    run_.candidate = orders.candidate.subject;
    run_.plan = orders.plan;
    run_.distinct_requests = orders.requests.size();
    run_.example = example_of(orders.requests.front());
    run_.machine = orders.machine;
    run_.version = orders.version;
    run_.started_unix_ms = orders.started_unix_ms;
  }

  Result<Run> hold() {
    for (const auto side : {Side::control, Side::candidate})
      if (auto reached = reach(side); !reached && !is_stopped()) return reached.error();
    check_answers();
    if (orders_.is_check_only || is_stopped()) return finished();
    if (run_.plan.rate <= 0) choose_rate();
    for (const auto side : {Side::control, Side::candidate})
      generators_.emplace_back(opponent(side).address, requests_of(side), run_.plan.connections);
    for (auto& generator : generators_)
      if (auto connected = generator.connect(); !connected && !is_stopped()) return connected.error();
    if (!is_stopped()) measure_idle();
    run_blocks();
    if (run_.plan.goal && !is_stopped()) {
      run_.capacity_control = find_capacity(Side::control);
      if (!is_stopped()) run_.capacity_candidate = find_capacity(Side::candidate);
    }
    return finished();
  }

 private:
  const Opponent& opponent(Side side) const { return side == Side::control ? orders_.control : orders_.candidate; }
  std::vector<WireRequest>& requests_of(Side side) { return requests_[static_cast<std::size_t>(side)]; }
  bool is_stopped() const { return orders_.stop; }

  Run finished() {
    run_.is_interrupted = is_stopped();
    return std::move(run_);
  }

  void tell(std::string doing) const {
    if (!orders_.tell) return;
    const auto& plan = run_.plan;
    const auto blocks = 2 * (plan.pairs + plan.calibration_pairs);
    const auto left =
        (plan.block + plan.washout) * static_cast<Nanoseconds::rep>(blocks - std::min(blocks, run_.blocks.size()));
    const auto done = SteadyClock::now() - begin_;
    orders_.tell({std::move(doing), seconds(done) / std::max(seconds(done + left), 1e-9), left});
  }

  Result<Answer> ask(Side side, std::size_t request) {
    return fetch(opponent(side).address, requests_of(side)[request], run_.plan.timeout);
  }

  Result<void> reach(Side side) {
    const auto& one = opponent(side);
    const auto answer = ask(side, 0);
    if (!answer)
      return Error("compare.no_answer",
                   one.subject.url + " does not answer " + run_.example + ": " + answer.error().message);
    const auto arms = answer->values("tandem-arm");
    const bool is_denied = !answer->values("tandem-override-status").empty();
    if (one.arm.empty() || (!is_denied && !arms.empty() && arms.front() == one.arm)) return {};
    return Error("compare.no_arm",
                 one.subject.url + " does not let us choose the arm \"" + one.arm + "\" of " + run_.example +
                     (is_denied      ? ": it says that we may not"
                      : arms.empty() ? ": it answers with status " + std::to_string(answer->status) + " and no arm"
                                     : ": \"" + std::string(arms.front()) + "\" answers") +
                     " (see \"pin\" in the config, and --token)");
  }

  // Each request to both, twice: control's two answers tell what differs by itself.
  void check_answers() {
    AnswerCheck check;
    const auto count = orders_.requests.size();
    const auto step = (count + kMaxChecked - 1) / kMaxChecked;
    for (std::size_t i = 0; i < count && !is_stopped(); i += step) {
      tell("answers: request " + std::to_string(i + 1) + " of " + std::to_string(count));
      check_one(i, check);
    }
    if (step > 1)
      run_.notes.push_back("Answers to every " + std::to_string(step) + "th of " + std::to_string(count) +
                           " requests were compared.");
    if (check.unstable > 0)
      run_.notes.push_back(std::to_string(check.unstable) +
                           " requests are answered differently by control each time; their answers are not compared.");
    run_.answers = std::move(check);
  }

  void check_one(std::size_t index, AnswerCheck& check) {
    const auto control = ask(Side::control, index), control_again = ask(Side::control, index);
    const auto candidate = ask(Side::candidate, index), candidate_again = ask(Side::candidate, index);
    if (is_stopped()) return;  // answers that were cut off say nothing
    ++check.requests;
    if (!control || !control_again || !candidate || !candidate_again) {
      ++check.failed;
      return;
    }
    expect(requests_of(Side::control)[index], *control, *control_again);
    expect(requests_of(Side::candidate)[index], *candidate, *candidate_again);
    if (!comparison::compare(*control, *control_again, orders_.rules).empty()) {
      ++check.unstable;
      return;
    }
    auto differences = comparison::compare(*control, *candidate, orders_.rules);
    if (differences.empty()) return;
    ++check.different;
    if (check.samples.size() < kMaxSamples)
      check.samples.push_back({example_of(orders_.requests[index]), std::move(differences)});
  }

  // How many requests a second one connection gets done, one after the other.
  double probe(Side side) {
    const auto begin = SteadyClock::now();
    std::size_t done = 0;
    while (SteadyClock::now() - begin < kProbe || done == 0) {
      if (!ask(side, done % orders_.requests.size()) || is_stopped()) return kMinRate;
      ++done;
    }
    return static_cast<double>(done) / seconds(SteadyClock::now() - begin);
  }

  void choose_rate() {
    tell("probing for a rate");
    const auto slower = std::min(probe(Side::control), probe(Side::candidate));
    run_.plan.rate = std::clamp(std::floor(slower / 3), kMinRate, kMaxRate);
    run_.notes.push_back("The rate was chosen: a third of what the slower one did on one connection (" +
                         std::to_string(static_cast<long>(slower)) + " requests a second), between 5 and 2000.");
  }

  // Timers and the like: what would be counted as the cost of requests.
  void measure_idle() {
    tell("idle server");
    for (const auto side : {Side::control, Side::candidate}) {
      const auto begin = SteadyClock::now();
      const auto before = cost_of(side);
      if (!before) return;
      std::this_thread::sleep_for(kIdle);
      const auto after = cost_of(side);
      const auto share = after ? (after->cpu_seconds - before->cpu_seconds) / seconds(SteadyClock::now() - begin) : 0;
      run_.idle_cpu[static_cast<std::size_t>(side)] = share;
    }
  }

  Load load_of(double rate, std::uint64_t seed) const {
    Load load;
    load.rate = rate;
    load.arrivals = run_.plan.arrivals;
    load.seed = seed;
    load.washout = run_.plan.washout;
    load.duration = run_.plan.block;
    load.timeout = run_.plan.timeout;
    return load;
  }

  std::optional<Cost> cost_of(Side side) const { return opponent(side).cost ? opponent(side).cost() : std::nullopt; }

  Block run_block(Side side, const Load& load) {
    const auto before = cost_of(side);
    auto block = generators_[static_cast<std::size_t>(side)].run(load, orders_.stop);
    if (const auto after = cost_of(side); before && after) {
      block.server_cpu_seconds = after->cpu_seconds - before->cpu_seconds;
      block.server_rss_bytes = after->rss_bytes;
    }
    if (const auto& revision = opponent(side).revision) block.server_revision = revision();
    return block;
  }

  // Both blocks of a pair have the same schedule; which comes first is drawn.
  void run_pair(std::size_t pair, bool is_calibration, bool candidate_first) {
    const auto seed = run_.plan.seed * 1'000'003 + pair + (is_calibration ? 500'000 : 0);
    std::vector<Side> order{Side::control, Side::candidate};
    if (candidate_first) std::swap(order[0], order[1]);
    std::vector<Block> blocks;
    for (const auto side : order) {
      const auto loaded = is_calibration ? Side::control : side;
      tell((is_calibration ? "control against itself, pair " : "pair ") + std::to_string(pair + 1) + " of " +
           std::to_string(is_calibration ? run_.plan.calibration_pairs : run_.plan.pairs) + ": " +
           opponent(loaded).subject.name + ", " + std::to_string(std::lround(run_.plan.rate)) + " requests a second");
      auto block = run_block(loaded, load_of(run_.plan.rate, seed));
      if (is_stopped()) return;  // half a pair says nothing
      block.side = side;
      block.is_calibration = is_calibration;
      block.pair = pair;
      blocks.push_back(std::move(block));
    }
    for (auto& block : blocks) run_.blocks.push_back(std::move(block));
  }

  void run_blocks() {
    std::mt19937_64 random(run_.plan.seed);
    for (std::size_t i = 0; i < run_.plan.calibration_pairs && !is_stopped(); ++i) run_pair(i, true, (random() >> 63) != 0);
    for (std::size_t i = 0; i < run_.plan.pairs && !is_stopped(); ++i) run_pair(i, false, (random() >> 63) != 0);
  }

  // Does it keep the goal at this rate?
  CapacityStep try_rate(Side side, double rate, Capacity& capacity, bool is_confirmation) {
    const auto& goal = *run_.plan.goal;
    tell("capacity of " + opponent(side).subject.name + " at " + goal.text + ": " + std::to_string(std::lround(rate)) +
         " requests a second");
    auto load = load_of(rate, run_.plan.seed + capacity.steps.size());
    load.timeout = std::max<Nanoseconds>(goal.limit * 10, std::chrono::seconds(1));
    const auto block = generators_[static_cast<std::size_t>(side)].run(load, orders_.stop);
    CapacityStep step;
    step.rate = rate;
    step.achieved = block.achieved_rate();
    step.latency = block.latency.quantile_ns(goal.quantile);
    step.is_confirmation = is_confirmation;
    const bool is_answered = static_cast<double>(block.answered) >= 0.99 * static_cast<double>(block.planned) &&
                             block.timeouts + block.socket_errors + block.censored == 0;
    step.is_kept = is_answered && step.latency <= static_cast<double>(goal.limit.count());
    const bool is_late = block.lateness.quantile_ns(0.99) > std::max(1e6, 0.05 * block.latency.quantile_ns(0.5));
    if (!step.is_kept && (is_late || block.generator_cpu > 0.8)) capacity.is_limited_by_generator = true;
    capacity.steps.push_back(step);
    return step;
  }

  // Doubling, then bisection, then three confirmations; what is not confirmed is tried again a tenth lower.
  Capacity find_capacity(Side side) {
    Capacity capacity;
    double good = 0, bad = run_.plan.rate;
    while (!is_stopped() && bad <= kMaxCapacity && try_rate(side, bad, capacity, false).is_kept)
      good = std::exchange(bad, bad * 2);
    for (unsigned i = 0; i < kBisections && !is_stopped(); ++i) {
      const auto middle = good > 0 ? std::sqrt(good * bad) : bad / 2;
      (try_rate(side, middle, capacity, false).is_kept ? good : bad) = middle;
    }
    for (unsigned confirmed = 0; confirmed < kConfirmations && good >= 1 && !is_stopped();) {
      confirmed = try_rate(side, good, capacity, true).is_kept ? confirmed + 1 : 0;
      if (confirmed == 0) good *= 0.9;
    }
    capacity.rate = is_stopped() || good < 1 ? 0 : good;
    return capacity;
  }

  const Orders& orders_;
  std::vector<WireRequest> requests_[2];
  std::vector<Generator> generators_;
  SteadyClock::time_point begin_;
  Run run_;
};

}  // namespace

Result<Run> hold(const Orders& orders) { return Contest(orders).hold(); }

}  // namespace tandem::benchmark
