#include "observe/metrics.hpp"

#include <algorithm>
#include <utility>

#include "observe/prometheus_text.hpp"

namespace tandem::observe {

namespace {

constexpr std::array<std::string_view, kStages> kStageNames = {"queue", "gil", "handler", "write"};
constexpr std::array<std::string_view, kAssignments> kAssignmentNames = {"",        "hash",     "override", "switchback",
                                                                         "default", "fallback", "rollback"};

void bump(std::atomic<std::uint64_t>& cell, std::uint64_t amount) {
  cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

// A histogram is 30 KiB and most arms have few stages, so one is made when its first value comes.
class LazyHistogram {
 public:
  ~LazyHistogram() { delete histogram_.load(std::memory_order_relaxed); }

  // Thread: the single writer.
  void record(Nanoseconds value) {
    auto* histogram = histogram_.load(std::memory_order_relaxed);
    if (histogram == nullptr) {
      histogram = new Histogram;
      histogram_.store(histogram, std::memory_order_release);
    }
    histogram->record(value);
  }

  // Thread: any.
  void add_to(Histogram::Snapshot& sum) const {
    if (const auto* histogram = histogram_.load(std::memory_order_acquire)) histogram->add_to(sum);
  }

 private:
  std::atomic<Histogram*> histogram_{nullptr};
};

// Four borders to each power of two from 4.1 µs to 8.6 s for requests; powers of two for their stages.
constexpr unsigned kLowestBorder = 12;
constexpr unsigned kHighestBorder = 33;

std::vector<std::uint64_t> make_borders(unsigned per_octave) {
  std::vector<std::uint64_t> borders;
  for (unsigned power = kLowestBorder; power < kHighestBorder; ++power)
    for (unsigned part = 0; part < per_octave; ++part)
      borders.push_back((std::uint64_t{1} << power) + (std::uint64_t{part} << power) / per_octave);
  borders.push_back(std::uint64_t{1} << kHighestBorder);
  return borders;
}

std::string label(std::string_view name, std::string_view value) {
  return std::string(name).append("=\"").append(escape_label(value)).append("\"");
}

// The arms that share their `route` and `arm` labels: those whose backend changed at a reload. Families without the label
// `backend` sum over them.
using ArmGroup = std::vector<const ArmMetrics*>;

std::vector<ArmGroup> group_arms(const std::vector<const ArmMetrics*>& arms) {
  std::vector<ArmGroup> groups;
  for (const auto* arm : arms) {
    const auto same = std::find_if(groups.begin(), groups.end(), [arm](const ArmGroup& group) {
      return group.front()->route == arm->route && group.front()->arm == arm->arm;
    });
    if (same == groups.end()) {
      groups.push_back({arm});
    } else {
      same->push_back(arm);
    }
  }
  return groups;
}

// One block of series for each way in which an experiment has sent requests to the arm; one without the label where there is
// no experiment.
void append_requests(std::string& out, const std::string& labels, const ArmMetrics& arm) {
  const auto all = arm.requests_by_class();
  for (std::size_t i = 0; i < kAssignments; ++i) {
    const auto by_class = arm.requests_by_class(static_cast<AssignedBy>(i));
    const bool is_used = by_class != ArmMetrics::ByClass{};
    if (!is_used && (i != 0 || all != by_class)) continue;
    auto with_arm = labels + "," + label("backend", arm.backend);
    if (i != 0) with_arm += "," + label("assigned_by", kAssignmentNames[i]);
    for (std::size_t code = 1; code < by_class.size(); ++code) {
      if (code == 1 && by_class[code] == 0) continue;  // 1xx is rare; the others begin at 0, so that rates are right
      append_sample(out, "tandem_requests_total", with_arm + ",code=\"" + std::to_string(code) + "xx\"",
                    std::to_string(by_class[code]));
    }
  }
}

void append_arms(PrometheusText& text, const std::vector<ArmGroup>& groups) {
  static const auto request_borders = make_borders(4);
  static const auto stage_borders = make_borders(1);
  auto& requests = text.family("tandem_requests_total", "counter", "Requests that have ended, by class of status code.");
  auto& seconds = text.family("tandem_request_seconds", "histogram",
                              "Time from a request's last header byte until its answer was handed to the socket.");
  auto& stages = text.family("tandem_stage_seconds", "histogram", "Time that requests spent in one stage.");
  auto& cpu = text.family("tandem_cpu_seconds_total", "counter", "CPU time of the arm's handlers.");
  for (const auto& group : groups) {
    const auto labels = label("route", group.front()->route) + "," + label("arm", group.front()->arm);
    Histogram::Snapshot total;
    std::array<Histogram::Snapshot, kStages> by_stage;
    Nanoseconds cpu_time{0};
    for (const auto* arm : group) {
      append_requests(requests, labels, *arm);
      total.merge(arm->total());
      for (std::size_t i = 0; i < kStages; ++i) by_stage[i].merge(arm->stage(static_cast<Stage>(i)));
      cpu_time += arm->cpu();
    }
    append_histogram(seconds, "tandem_request_seconds", labels, total, request_borders);
    for (std::size_t i = 0; i < kStages; ++i)
      if (by_stage[i].count != 0)
        append_histogram(stages, "tandem_stage_seconds", labels + "," + label("stage", kStageNames[i]), by_stage[i],
                         stage_borders);
    append_sample(cpu, "tandem_cpu_seconds_total", labels, format_seconds(static_cast<std::uint64_t>(cpu_time.count())));
  }
}

}  // namespace

struct alignas(64) ArmMetrics::Shard {
  std::array<std::array<std::atomic<std::uint64_t>, 6>, kAssignments> by_class{};  // by AssignedBy first
  std::atomic<std::uint64_t> cpu_ns{0};
  LazyHistogram total;
  std::array<LazyHistogram, kStages> stages;
};

ArmMetrics::ArmMetrics(std::string route_name, std::string arm_name, std::string backend_name, unsigned shards)
    : route(std::move(route_name)), arm(std::move(arm_name)), backend(std::move(backend_name)) {
  for (unsigned i = 0; i < shards; ++i) shards_.push_back(std::make_unique<Shard>());
}

ArmMetrics::~ArmMetrics() = default;

void ArmMetrics::record(unsigned shard_index, const Exchange& exchange) {
  auto& shard = *shards_[shard_index];
  const bool is_status = exchange.status >= 100 && exchange.status < 600;
  const auto assigned_by = static_cast<std::size_t>(exchange.assigned_by);
  bump(shard.by_class[assigned_by][is_status ? static_cast<std::size_t>(exchange.status / 100) : 5], 1);
  if (exchange.cpu.count() > 0) bump(shard.cpu_ns, static_cast<std::uint64_t>(exchange.cpu.count()));
  shard.total.record(exchange.total);
  for (std::size_t i = 0; i < kStages; ++i)
    if (exchange.stages[i].count() != 0) shard.stages[i].record(exchange.stages[i]);
}

ArmMetrics::ByClass ArmMetrics::requests_by_class() const {
  ByClass sums{};
  for (std::size_t i = 0; i < kAssignments; ++i) {
    const auto part = requests_by_class(static_cast<AssignedBy>(i));
    for (std::size_t code = 0; code < sums.size(); ++code) sums[code] += part[code];
  }
  return sums;
}

ArmMetrics::ByClass ArmMetrics::requests_by_class(AssignedBy assigned_by) const {
  ByClass sums{};
  for (const auto& shard : shards_) {
    const auto& by_class = shard->by_class[static_cast<std::size_t>(assigned_by)];
    for (std::size_t code = 0; code < sums.size(); ++code) sums[code] += by_class[code].load(std::memory_order_relaxed);
  }
  return sums;
}

Histogram::Snapshot ArmMetrics::total() const {
  Histogram::Snapshot sum;
  add_total_to(sum);
  return sum;
}

void ArmMetrics::add_total_to(Histogram::Snapshot& sum) const {
  for (const auto& shard : shards_) shard->total.add_to(sum);
}

Histogram::Snapshot ArmMetrics::stage(Stage stage) const {
  Histogram::Snapshot sum;
  for (const auto& shard : shards_) shard->stages[static_cast<std::size_t>(stage)].add_to(sum);
  return sum;
}

Nanoseconds ArmMetrics::cpu() const {
  std::uint64_t sum = 0;
  for (const auto& shard : shards_) sum += shard->cpu_ns.load(std::memory_order_relaxed);
  return Nanoseconds(static_cast<Nanoseconds::rep>(sum));
}

Counter::Counter(unsigned shards) : cells_(shards) {}

void Counter::add(unsigned shard, std::int64_t amount) {
  auto& cell = cells_[shard].value;
  if (shard + 1 == cells_.size()) {  // the shared one
    cell.fetch_add(amount, std::memory_order_relaxed);
  } else {
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
}

std::int64_t Counter::value() const {
  std::int64_t sum = 0;
  for (const auto& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
  return sum;
}

struct Registry::CounterFamily {
  struct Series {
    Series(std::string_view label_text, unsigned shards) : labels(label_text), counter(shards) {}
    const std::string labels;
    Counter counter;
  };
  CounterFamily(std::string_view family_name, std::string_view help_text) : name(family_name), help(help_text) {}

  const std::string name;
  const std::string help;
  std::deque<Series> series;
};

struct Registry::HistogramSeries {
  HistogramSeries(std::string_view family_name, std::string_view help_text, std::string_view label_text)
      : family(family_name), help(help_text), labels(label_text) {}
  const std::string family;
  const std::string help;
  const std::string labels;
  SharedHistogram histogram;
};

Registry::Registry(unsigned io_threads) : shards_(io_threads + 1) {}

Registry::~Registry() = default;

ArmMetrics& Registry::arm(std::string_view route, std::string_view arm_name, std::string_view backend) {
  std::lock_guard lock(mutex_);
  for (auto& known : arms_)
    if (known.route == route && known.arm == arm_name && known.backend == backend) return known;
  return arms_.emplace_back(std::string(route), std::string(arm_name), std::string(backend), shards_);
}

Counter& Registry::counter(std::string_view family, std::string_view help, std::string_view labels) {
  std::lock_guard lock(mutex_);
  auto found =
      std::find_if(families_.begin(), families_.end(), [family](const auto& known) { return known.name == family; });
  auto& owner = found != families_.end() ? *found : families_.emplace_back(family, help);
  for (auto& series : owner.series)
    if (series.labels == labels) return series.counter;
  return owner.series.emplace_back(labels, shards_).counter;
}

SharedHistogram& Registry::histogram(std::string_view family, std::string_view help, std::string_view labels) {
  std::lock_guard lock(mutex_);
  for (auto& known : histograms_)
    if (known.family == family && known.labels == labels) return known.histogram;
  return histograms_.emplace_back(family, help, labels).histogram;
}

std::shared_ptr<void> Registry::add_source(Source source) {
  std::lock_guard lock(sources_mutex_);
  const int id = next_source_++;
  sources_.emplace_back(id, std::move(source));
  return std::shared_ptr<void>(this, [this, id](void*) {
    std::lock_guard removing(sources_mutex_);
    std::erase_if(sources_, [id](const auto& entry) { return entry.first == id; });
  });
}

std::vector<const ArmMetrics*> Registry::arms() const {
  std::vector<const ArmMetrics*> all;
  std::lock_guard lock(mutex_);
  for (const auto& arm : arms_) all.push_back(&arm);
  return all;
}

std::string Registry::prometheus_text() const {
  PrometheusText text;
  append_arms(text, group_arms(arms()));
  {
    std::lock_guard lock(mutex_);
    for (const auto& family : families_) {
      const std::string_view type = family.name.ends_with("_total") ? "counter" : "gauge";
      auto& samples = text.family(family.name, type, family.help);
      for (const auto& series : family.series) append_sample(samples, family.name, series.labels, series.counter.value());
    }
    static const auto borders = make_borders(1);
    for (const auto& series : histograms_)
      append_histogram(text.family(series.family, "histogram", series.help), series.family, series.labels,
                       series.histogram.snapshot(), borders);
  }
  std::string from_source;
  std::lock_guard lock(sources_mutex_);
  for (const auto& [id, source] : sources_) {
    from_source.clear();
    source(from_source);
    text.merge(from_source);
  }
  return text.text();
}

void Registry::for_each_arm(const std::function<void(const ArmMetrics&)>& visit) const {
  for (const auto* arm : arms()) visit(*arm);
}

}  // namespace tandem::observe
