#include "measure/record_json.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

namespace tandem::measure {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxUint64 = std::numeric_limits<std::uint64_t>::max();
// Times and windows end there: 34 thousand years.
constexpr std::int64_t kMaxSeconds = std::int64_t{1} << 40;

// ------------------------------------------------------------------------------------------------------------- writing

json write_sum(Sum sum) {
  if (sum <= kMaxUint64) return static_cast<std::uint64_t>(sum);
  std::string digits;
  for (; sum != 0; sum /= 10) digits.push_back(static_cast<char>('0' + static_cast<int>(sum % 10)));
  std::reverse(digits.begin(), digits.end());
  return digits;
}

void put(json& object, const char* name, std::uint64_t value) {
  if (value != 0) object[name] = value;
}

void put_sum(json& object, const char* name, Sum value) {
  if (value != 0) object[name] = write_sum(value);
}

void put(json& object, const char* name, const SparseHistogram& histogram) {
  if (histogram.empty()) return;
  auto list = json::array();
  for (const auto& cell : histogram.cells()) {
    list.push_back(static_cast<std::uint64_t>(cell.bucket));
    list.push_back(static_cast<std::uint64_t>(cell.count));
  }
  object[name] = std::move(list);
}

void put(json& object, const char* name, json part) {
  if (!part.empty()) object[name] = std::move(part);
}

json write(const Counts& counts) {
  auto object = json::object();
  put(object, "requests", counts.requests);
  put(object, "errors", counts.errors);
  put(object, "timeouts", counts.timeouts);
  put(object, "aborts", counts.aborts);
  put(object, "fallbacks", counts.fallbacks);
  put(object, "bytes_in", counts.bytes_in);
  put(object, "bytes_out", counts.bytes_out);
  put_sum(object, "total_ns", counts.total_ns);
  put(object, "cpu_requests", counts.cpu_requests);
  put_sum(object, "cpu_ns", counts.cpu_ns);
  put(object, "total", counts.total);
  return object;
}

json write(const Durations& durations) {
  auto object = json::object();
  put_sum(object, "sum_ns", durations.sum_ns);
  put(object, "counts", durations.counts);
  return object;
}

json write(const KeyCluster& cluster) {
  auto object = json::object();
  put(object, "requests", cluster.requests);
  put(object, "errors", cluster.errors);
  put_sum(object, "total_ns", cluster.total_ns);
  put(object, "cpu_requests", cluster.cpu_requests);
  put_sum(object, "cpu_ns", cluster.cpu_ns);
  put(object, "total", cluster.total);
  return object;
}

json write(const Totals& totals) {
  auto object = json::object();
  put(object, "queue", write(totals.queue));
  put(object, "gil", write(totals.gil));
  put(object, "exec", write(totals.exec));
  const KeyCluster none;
  auto clusters = json::array();
  for (std::size_t i = 0; i < totals.clusters.size(); ++i) {
    if (totals.clusters[i] == none) continue;
    auto cluster = write(totals.clusters[i]);
    cluster["cluster"] = i;
    clusters.push_back(std::move(cluster));
  }
  put(object, "clusters", std::move(clusters));
  if (!totals.keys.empty()) object["keys"] = {{"threshold", totals.keys.threshold()}, {"hashes", totals.keys.hashes()}};
  return object;
}

template <class T>
json write_arms(const std::vector<ByPopulation<T>>& arms) {
  auto list = json::array();
  for (const auto& arm : arms) {
    auto object = json::object();
    put(object, "analysed", write(arm.analysed));
    put(object, "rest", write(arm.rest));
    list.push_back(std::move(object));
  }
  return list;
}

json write(const Epoch& epoch) {
  json object{{"since", epoch.since}, {"window_seconds", epoch.window_seconds}, {"arms", write_arms(epoch.arms)}};
  if (!epoch.weights_bp.empty()) object["weights_bp"] = epoch.weights_bp;
  if (epoch.weights_differ) object["weights_differ"] = true;
  put(object, "clock_steps", epoch.clock_steps);
  put(object, "largest_clock_step_ms", epoch.largest_clock_step_ms);
  auto windows = json::array();
  for (const auto& [index, window] : epoch.windows) windows.push_back({{"index", index}, {"arms", write_arms(window)}});
  object["windows"] = std::move(windows);
  return object;
}

}  // namespace

// ------------------------------------------------------------------------------------------------------------- reading

// Notes the first thing that is wrong and where; after that everything reads as zero.
class RecordReader {
 public:
  Result<Record> read(const json& value) {
    Record record;
    Object object(*this, value, {"arms", "window_seconds", "epochs"});
    record.arms_ = integer(object.at("arms"), 1, Record::kMaxArms);
    record.window_seconds_ = seconds(object.at("window_seconds"));
    for_each(object.at("epochs"), [&](const json& entry) { read_epoch(entry, record); });
    if (error_) return *error_;
    return record;
  }

 private:
  // A member of an object that is to be read, or the whole; its name is part of the place while it lives.
  class Place {
   public:
    Place(RecordReader& reader, std::string_view name) : reader_(reader), length_(reader.place_.size()) {
      reader.place_.append(reader.place_.empty() || name.starts_with('[') ? "" : ".").append(name);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { reader_.place_.resize(length_); }

   private:
    RecordReader& reader_;
    std::size_t length_;
  };

  struct Member {
    const char* name;
    const json* value;  // null: not there
  };

  class Object {
   public:
    Object(RecordReader& reader, const json& value, std::initializer_list<std::string_view> known) : value_(value) {
      is_right_ = value.is_object();
      if (!is_right_) reader.fail("is not an object");
      for (auto member = value.begin(); is_right_ && member != value.end(); ++member)
        if (std::find(known.begin(), known.end(), member.key()) == known.end())
          reader.fail("has the unknown member \"" + member.key().substr(0, 40) + "\"");
    }
    Member at(const char* name) const {
      if (!is_right_) return {name, nullptr};
      const auto found = value_.find(name);
      return {name, found == value_.end() ? nullptr : &*found};
    }

   private:
    const json& value_;
    bool is_right_ = false;
  };

  void fail(std::string what) {
    if (!error_) error_ = Error("measure.record", (place_.empty() ? "the record" : place_) + " " + std::move(what));
  }

  std::uint64_t integer(const json& value, std::uint64_t least, std::uint64_t most) {
    if (value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0)) {
      const auto number = value.get<std::uint64_t>();
      if (least <= number && number <= most) return number;
    }
    fail("is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return least;
  }

  std::uint64_t integer(Member member, std::uint64_t least, std::uint64_t most) {
    const Place place(*this, member.name);
    if (member.value) return integer(*member.value, least, most);
    fail("is missing");
    return least;
  }

  std::uint64_t count(Member member) { return member.value ? integer(member, 0, SparseHistogram::kMaxCount) : 0; }

  std::int64_t seconds(Member member) { return static_cast<std::int64_t>(integer(member, 1, std::uint64_t{1} << 31)); }

  // Of either sign.
  std::int64_t time(Member member, std::int64_t unit) {
    const Place place(*this, member.name);
    if (!member.value) {
      fail("is missing");
    } else if (member.value->is_number_integer()) {
      const bool is_huge = member.value->is_number_unsigned() && member.value->get<std::uint64_t>() > kMaxUint64 / 2;
      const auto number = member.value->get<std::int64_t>();
      if (!is_huge && -kMaxSeconds / unit <= number && number <= kMaxSeconds / unit) return number;
      fail("is out of range");
    } else {
      fail("is not a whole number");
    }
    return 0;
  }

  Sum sum(Member member) {
    if (!member.value) return 0;
    const Place place(*this, member.name);
    if (!member.value->is_string()) return integer(*member.value, 0, kMaxUint64);
    const auto& digits = member.value->get_ref<const std::string&>();
    Sum number = 0;
    const bool is_right = digits.size() >= 20 && digits.size() <= 30 && digits.front() != '0' &&
                          std::all_of(digits.begin(), digits.end(), [](char c) { return '0' <= c && c <= '9'; });
    if (is_right)
      for (const char digit : digits) number = number * 10 + static_cast<unsigned>(digit - '0');
    if (number <= kMaxUint64) fail("is no sum");
    return number;
  }

  template <class Visit>
  void for_each(Member member, Visit visit) {
    const Place place(*this, member.name);
    if (!member.value) return fail("is missing");
    if (!member.value->is_array()) return fail("is not a list");
    std::size_t i = 0;
    for (const auto& entry : *member.value) {
      if (error_) return;
      const Place element(*this, "[" + std::to_string(i++) + "]");
      visit(entry);
    }
  }

  template <class Buckets>
  SparseHistogram histogram(Member member) {
    SparseHistogram histogram;
    if (!member.value) return histogram;
    std::optional<std::uint64_t> bucket;
    for_each(member, [&](const json& entry) {
      if (!bucket) {
        const auto least = histogram.empty() ? 0 : std::uint64_t{histogram.cells().back().bucket} + 1;
        bucket = integer(entry, least, Buckets::kBuckets - 1);
      } else {
        histogram.append(*bucket, integer(entry, 1, SparseHistogram::kMaxCount));
        bucket.reset();
      }
    });
    const Place place(*this, member.name);
    if (bucket) fail("ends with a bucket that has no count");
    return histogram;
  }

  void read(const json& value, Counts& counts) {
    const Object object(*this, value,
                        {"requests", "errors", "timeouts", "aborts", "fallbacks", "bytes_in", "bytes_out", "total_ns",
                         "cpu_requests", "cpu_ns", "total"});
    counts.requests = count(object.at("requests"));
    counts.errors = count(object.at("errors"));
    counts.timeouts = count(object.at("timeouts"));
    counts.aborts = count(object.at("aborts"));
    counts.fallbacks = count(object.at("fallbacks"));
    counts.bytes_in = integer_or_zero(object.at("bytes_in"));
    counts.bytes_out = integer_or_zero(object.at("bytes_out"));
    counts.total_ns = sum(object.at("total_ns"));
    counts.cpu_requests = count(object.at("cpu_requests"));
    counts.cpu_ns = sum(object.at("cpu_ns"));
    counts.total = histogram<FineBuckets>(object.at("total"));
    if (counts.total.count() != counts.requests) fail("has another number of requests than of values in \"total\"");
    for (const auto part : {counts.errors, counts.timeouts, counts.aborts, counts.fallbacks, counts.cpu_requests})
      if (part > counts.requests) fail("has more of something than requests");
  }

  std::uint64_t integer_or_zero(Member member) { return member.value ? integer(member, 0, kMaxUint64) : 0; }

  void read(Member member, Durations& durations) {
    if (!member.value) return;
    const Place place(*this, member.name);
    const Object object(*this, *member.value, {"sum_ns", "counts"});
    durations.sum_ns = sum(object.at("sum_ns"));
    durations.counts = histogram<FineBuckets>(object.at("counts"));
  }

  void read(const Object& object, KeyCluster& cluster) {
    cluster.requests = count(object.at("requests"));
    cluster.errors = count(object.at("errors"));
    cluster.total_ns = sum(object.at("total_ns"));
    cluster.cpu_requests = count(object.at("cpu_requests"));
    cluster.cpu_ns = sum(object.at("cpu_ns"));
    cluster.total = histogram<CoarseBuckets>(object.at("total"));
    if (cluster.total.count() != cluster.requests) fail("has another number of requests than of values in \"total\"");
    if (cluster.errors > cluster.requests || cluster.cpu_requests > cluster.requests)
      fail("has more of something than requests");
  }

  void read(const json& value, Totals& totals) {
    const Object object(*this, value, {"queue", "gil", "exec", "clusters", "keys"});
    read(object.at("queue"), totals.queue);
    read(object.at("gil"), totals.gil);
    read(object.at("exec"), totals.exec);
    std::uint64_t next = 0;
    if (object.at("clusters").value)
      for_each(object.at("clusters"), [&](const json& entry) {
        const Object cluster(*this, entry, {"cluster", "requests", "errors", "total_ns", "cpu_requests", "cpu_ns", "total"});
        const auto i = integer(cluster.at("cluster"), next, kKeyClusters - 1);
        next = i + 1;
        read(cluster, totals.clusters[i]);
      });
    if (const auto keys = object.at("keys"); keys.value) totals.keys = read_keys(keys);
  }

  KeySample read_keys(Member member) {
    const Place place(*this, member.name);
    const Object object(*this, *member.value, {"threshold", "hashes"});
    const auto threshold = integer(object.at("threshold"), 1, KeySample::kEverything);
    if (!std::has_single_bit(threshold)) fail("has a threshold that is no power of two");
    std::vector<std::uint32_t> hashes;
    std::uint64_t next = 0;
    for_each(object.at("hashes"), [&](const json& entry) {
      if (next >= threshold) return fail("is one too many");
      hashes.push_back(static_cast<std::uint32_t>(integer(entry, next, threshold - 1)));
      next = std::uint64_t{hashes.back()} + 1;
    });
    if (hashes.size() > KeySample::kMaxHeld) fail("holds more than " + std::to_string(KeySample::kMaxHeld) + " keys");
    return {threshold, std::move(hashes)};
  }

  template <class T>
  std::vector<ByPopulation<T>> read_arms(Member member, std::size_t arms) {
    std::vector<ByPopulation<T>> list;
    for_each(member, [&](const json& entry) {
      const Object object(*this, entry, {"analysed", "rest"});
      auto& arm = list.emplace_back();
      for (const bool is_analysed : {true, false}) {
        const auto part = object.at(is_analysed ? "analysed" : "rest");
        const Place place(*this, part.name);
        if (part.value) read(*part.value, arm.of(is_analysed));
      }
    });
    const Place place(*this, member.name);
    if (list.size() != arms) fail("does not have one entry for each arm");
    list.resize(arms);
    return list;
  }

  void read_epoch(const json& value, Record& record) {
    const Object object(*this, value,
                        {"number", "since", "weights_bp", "weights_differ", "clock_steps", "largest_clock_step_ms",
                         "window_seconds", "windows", "arms"});
    const auto least = record.epochs_.empty() ? 0 : std::uint64_t{record.epochs_.rbegin()->first} + 1;
    const auto number = integer(object.at("number"), least, std::numeric_limits<std::uint32_t>::max());
    Epoch epoch;
    epoch.since = time(object.at("since"), 1);
    if (object.at("weights_bp").value)
      for_each(object.at("weights_bp"),
               [&](const json& entry) { epoch.weights_bp.push_back(static_cast<unsigned>(integer(entry, 0, 10'000))); });
    if (const auto differ = object.at("weights_differ"); differ.value) {
      if (*differ.value != json(true)) fail("has \"weights_differ\" that is not true");
      epoch.weights_differ = true;
    }
    epoch.clock_steps = count(object.at("clock_steps"));
    epoch.largest_clock_step_ms = integer_or_zero(object.at("largest_clock_step_ms"));
    epoch.window_seconds = seconds(object.at("window_seconds"));
    epoch.arms = read_arms<Totals>(object.at("arms"), record.arms_);
    std::optional<std::int64_t> last;
    for_each(object.at("windows"), [&](const json& entry) {
      const Object window(*this, entry, {"index", "arms"});
      const auto index = time(window.at("index"), epoch.window_seconds);
      if (last && index <= *last) fail("has an index that does not ascend");
      last = index;
      epoch.windows[index] = read_arms<Counts>(window.at("arms"), record.arms_);
    });
    if (epoch.windows.size() > Epoch::kMaxWindows) fail("has more than " + std::to_string(Epoch::kMaxWindows) + " windows");
    record.epochs_.emplace(static_cast<std::uint32_t>(number), std::move(epoch));
  }

  std::string place_;
  std::optional<Error> error_;
};

json to_json(const Record& record) {
  auto epochs = json::array();
  for (const auto& [number, epoch] : record.epochs()) {
    auto object = write(epoch);
    object["number"] = number;
    epochs.push_back(std::move(object));
  }
  return {{"arms", record.arms()}, {"window_seconds", record.window_seconds()}, {"epochs", std::move(epochs)}};
}

Result<Record> record_from_json(const nlohmann::json& value) { return RecordReader().read(value); }

Result<Record> parse_record(std::string_view text) {
  const auto value = json::parse(text, nullptr, false);
  if (value.is_discarded()) return Error("measure.record", "the record is not JSON");
  return record_from_json(value);
}

}  // namespace tandem::measure
