#include "benchmark/contest.hpp"

#include <algorithm>
#include <array>
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
constexpr unsigned kAsked = 8;                           // times that a server is asked what being asked costs it
constexpr Nanoseconds kAskedAgain = Milliseconds(1100);  // later, so that a clock's second in a body has changed
constexpr std::size_t kMaxHeld = 64 * 1024 * 1024;       // bytes of answers until they are asked for again
constexpr Nanoseconds kTold = Milliseconds(500);         // progress, so often
constexpr double kMinRate = 5, kMaxRate = 2000;          // of a rate that nobody asked for
constexpr unsigned kConfirmations = 3;
constexpr unsigned kMaxLowered = 4;  // times that a rate is lowered which did not keep the goal again
constexpr unsigned kBisections = 5;
constexpr std::size_t kUsualSteps = 12;  // of a search, until it is known better
constexpr double kMaxCapacity = 500'000;
constexpr double kMinAchieved = 0.99;

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

// Why a block does not keep the goal; empty: it does. Requests that are turned away count for nothing, and are quick.
std::string reason_to_miss(const Block& block, const Goal& goal) {
  const auto good = static_cast<double>(block.answered - block.wrong_status);
  if (good < kMinAchieved * static_cast<double>(block.answered))
    return std::to_string(block.wrong_status) + " wrong statuses";
  if (block.timeouts + block.socket_errors + block.censored > 0 || block.carried() < kMinAchieved) return "load not carried";
  if (good < kMinAchieved * static_cast<double>(block.planned)) return "load not carried";
  return block.latency.quantile_ns(goal.quantile) <= static_cast<double>(goal.limit.count()) ? "" : "latency";
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

  void tell(std::string doing) {
    doing_ = std::move(doing);
    tell_again();
  }

  // A search's steps are guessed: as many as usual, and one more for as long as it goes on.
  std::size_t blocks_left() const {
    const auto& plan = run_.plan;
    const auto blocks = 2 * (plan.pairs + plan.calibration_pairs);
    const auto left = blocks - std::min(blocks, blocks_done_);
    if (!plan.goal || searches_left_ == 0) return left;
    return left + (searches_left_ - 1) * kUsualSteps +
           std::max<std::size_t>(1, kUsualSteps - std::min(kUsualSteps, steps_done_));
  }

  void tell_again() {
    told_ = SteadyClock::now();
    if (!orders_.tell) return;
    const auto& plan = run_.plan;
    const auto all = (plan.block + plan.washout) * static_cast<Nanoseconds::rep>(blocks_left());
    const auto in_block =
        is_loading_ ? std::min<Nanoseconds>(plan.block + plan.washout, told_ - block_begin_) : Nanoseconds{0};
    const auto left = std::max<Nanoseconds>(Nanoseconds{0}, all - in_block);
    orders_.tell({doing_, std::min(0.99, seconds(told_ - begin_) / std::max(seconds(told_ - begin_ + left), 1e-9)), left});
  }

  // While a block runs.
  void tick() {
    if (SteadyClock::now() - told_ >= kTold) tell_again();
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
    for (std::size_t i = 0; i < count && !is_stopped();) i = check_some(i, step, check);
    if (step > 1)
      run_.notes.push_back("Answers to every " + std::to_string(step) + "th of " + std::to_string(count) +
                           " requests were compared.");
    if (check.unstable > 0)
      run_.notes.push_back(std::to_string(check.unstable) +
                           " requests are answered differently by control each time; their answers are not compared.");
    run_.answers = std::move(check);
  }

  struct Asked {
    std::size_t index = 0;
    Result<Answer> control;
    Result<Answer> candidate;
  };

  // As many as may be held, then the same again at least a second later: a body that tells the time looks the same twice
  // within one. Returns the next index.
  std::size_t check_some(std::size_t index, std::size_t step, AnswerCheck& check) {
    const auto count = orders_.requests.size();
    std::vector<Asked> asked;
    auto last = SteadyClock::now();
    for (std::size_t held = 0; index < count && held < kMaxHeld && !is_stopped(); index += step) {
      tell("answers: request " + std::to_string(index + 1) + " of " + std::to_string(count));
      asked.push_back({index, ask(Side::control, index), ask(Side::candidate, index)});
      for (const auto* answer : {&asked.back().control, &asked.back().candidate})
        if (*answer) held += (*answer)->body.size();
      last = SteadyClock::now();
    }
    while (SteadyClock::now() - last < kAskedAgain && !is_stopped()) std::this_thread::sleep_for(Milliseconds(20));
    for (const auto& first : asked) {
      const auto control = ask(Side::control, first.index), candidate = ask(Side::candidate, first.index);
      if (is_stopped()) break;  // answers that were cut off say nothing
      check_one(first, control, candidate, check);
    }
    return index;
  }

  void check_one(const Asked& first, const Result<Answer>& control_again, const Result<Answer>& candidate_again,
                 AnswerCheck& check) {
    ++check.requests;
    const auto& control = first.control;
    const auto& candidate = first.candidate;
    if (!control || !control_again || !candidate || !candidate_again) {
      ++check.failed;
      return;
    }
    expect(requests_of(Side::control)[first.index], *control, *control_again);
    expect(requests_of(Side::candidate)[first.index], *candidate, *candidate_again);
    if (!comparison::compare(*control, *control_again, orders_.rules).empty()) {
      ++check.unstable;
      return;
    }
    auto differences = comparison::compare(*control, *candidate, orders_.rules);
    if (differences.empty()) return;
    ++check.different;
    if (check.samples.size() < kMaxSamples)
      check.samples.push_back({example_of(orders_.requests[first.index]), std::move(differences)});
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

  // Timers and the like, and the asking itself: what would be counted as the cost of requests.
  void measure_idle() {
    tell("idle server");
    for (const auto side : {Side::control, Side::candidate}) {
      const auto first = cost_of(side);
      auto before = first;
      for (unsigned i = 0; i < kAsked && before; ++i) before = cost_of(side);
      if (!before) continue;
      const auto begin = SteadyClock::now();
      const auto asking = (before->cpu_seconds - first->cpu_seconds) / kAsked;
      std::this_thread::sleep_for(kIdle);
      const auto elapsed = seconds(SteadyClock::now() - begin);
      const auto after = cost_of(side);
      if (!after) continue;
      asking_cpu_[static_cast<std::size_t>(side)] = asking;
      run_.idle_cpu[static_cast<std::size_t>(side)] =
          std::max(0.0, after->cpu_seconds - before->cpu_seconds - asking) / elapsed;
    }
  }

  // `number` of the block among those of its kind: each goes on in the corpus about where the one before ended.
  Load load_of(double rate, std::uint64_t seed, std::size_t number) {
    Load load;
    const auto requests = static_cast<std::size_t>(std::ceil(rate * seconds(run_.plan.washout + run_.plan.block)));
    load.first_request = number * requests % orders_.requests.size();
    load.tick = [this] { tick(); };
    load.rate = rate;
    load.arrivals = run_.plan.arrivals;
    load.seed = seed;
    load.washout = run_.plan.washout;
    load.duration = run_.plan.block;
    load.timeout = run_.plan.timeout;
    return load;
  }

  std::optional<Cost> cost_of(Side side) const { return opponent(side).cost ? opponent(side).cost() : std::nullopt; }

  Block run_load(Side side, const Load& load) {
    block_begin_ = SteadyClock::now();
    is_loading_ = true;
    auto block = generators_[static_cast<std::size_t>(side)].run(load, orders_.stop);
    is_loading_ = false;
    return block;
  }

  Block run_block(Side side, const Load& load) {
    const auto before = cost_of(side);
    auto block = run_load(side, load);
    if (const auto after = cost_of(side); before && after) {
      const auto asking = asking_cpu_[static_cast<std::size_t>(side)];
      block.server_cpu_seconds = std::max(0.0, after->cpu_seconds - before->cpu_seconds - asking);
      block.server_rss_bytes = after->rss_bytes;
    }
    if (const auto& revision = opponent(side).revision) block.server_revision = revision();
    ++blocks_done_;
    return block;
  }

  // Both blocks of a pair send the same requests at the same moments; which comes first is drawn.
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
      auto block = run_block(loaded, load_of(run_.plan.rate, seed, pair));
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
    tell("capacity of " + opponent(side).subject.name + " at " + goal.text + (is_confirmation ? ", again: " : ": ") +
         std::to_string(std::lround(rate)) + " requests a second");
    auto load = load_of(rate, run_.plan.seed + capacity.steps.size(), capacity.steps.size());
    load.timeout = std::max<Nanoseconds>(goal.limit * 10, std::chrono::seconds(1));
    const auto block = run_load(side, load);
    CapacityStep step;
    step.rate = rate;
    step.achieved = block.achieved_rate();
    step.latency = block.latency.quantile_ns(goal.quantile);
    step.is_confirmation = is_confirmation;
    step.why = reason_to_miss(block, goal);
    step.is_kept = step.why.empty();
    const bool is_late = block.lateness.quantile_ns(0.99) > std::max(1e6, 0.05 * block.latency.quantile_ns(0.5));
    if (!step.is_kept && (is_late || block.generator_cpu > 0.8)) capacity.is_limited_by_generator = true;
    capacity.steps.push_back(step);
    ++steps_done_;
    return step;
  }

  // Doubling, then bisection, then three confirmations; what is not confirmed is tried again a tenth lower, a few times.
  Capacity find_capacity(Side side) {
    Capacity capacity;
    steps_done_ = 0;
    double good = 0, bad = run_.plan.rate;
    while (!is_stopped() && bad <= kMaxCapacity && try_rate(side, bad, capacity, false).is_kept)
      good = std::exchange(bad, bad * 2);
    for (unsigned i = 0; i < kBisections && !is_stopped(); ++i) {
      const auto middle = good > 0 ? std::sqrt(good * bad) : bad / 2;
      (try_rate(side, middle, capacity, false).is_kept ? good : bad) = middle;
    }
    unsigned confirmed = 0, lowered = 0;
    while (confirmed < kConfirmations && lowered <= kMaxLowered && good >= 1 && !is_stopped()) {
      if (try_rate(side, good, capacity, true).is_kept) {
        ++confirmed;
      } else {
        confirmed = 0;
        ++lowered;
        good *= 0.9;
      }
    }
    capacity.is_unsteady = good > 0 && confirmed < kConfirmations && !is_stopped();
    capacity.rate = confirmed == kConfirmations ? good : 0;
    --searches_left_;
    return capacity;
  }

  const Orders& orders_;
  std::vector<WireRequest> requests_[2];
  std::vector<Generator> generators_;
  SteadyClock::time_point begin_;
  SteadyClock::time_point told_{}, block_begin_{};
  std::string doing_;
  std::array<double, 2> asking_cpu_{};  // by side, seconds: what it costs a server to tell its cost
  std::size_t blocks_done_ = 0, steps_done_ = 0, searches_left_ = 2;
  bool is_loading_ = false;
  Run run_;
};

}  // namespace

Result<Run> hold(const Orders& orders) { return Contest(orders).hold(); }

}  // namespace tandem::benchmark
