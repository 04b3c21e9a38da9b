#include "observe/access_log.hpp"

#include <array>
#include <cstring>

#include "base/log.hpp"
#include "observe/access_line.hpp"

namespace tandem::observe {

namespace {

constexpr std::uint32_t kAwake = 0;
constexpr std::uint32_t kAsleep = 1;
constexpr std::size_t kBatchBytes = 64 * 1024;
constexpr Milliseconds kGatherTime{20};
constexpr Milliseconds kDropReportInterval{10000};

// What a record is in the ring: this, then its texts one after the other.
struct Entry {
  std::uint32_t size = 0;  // with texts and padding; 0: the rest of the ring is unused, go on at its beginning
  std::uint16_t status = 0;
  std::uint8_t version = 0;
  std::array<std::uint16_t, 8> lengths{};
  CutBytes cut;
  std::uint64_t body_bytes_sent = 0;
  std::uint64_t body_bytes_received = 0;
  Nanoseconds total{0};
  Nanoseconds queue{0};
  Nanoseconds handler{0};
  std::chrono::system_clock::time_point when{};
};

template <class Record>
auto texts_of(Record& record) {
  return std::array{&record.client, &record.method,  &record.target,     &record.route,
                    &record.arm,    &record.backend, &record.request_id, &record.user_agent};
}

}  // namespace

// A byte ring between one writing and one reading thread. An entry never wraps around: it is read where it lies.
class AccessLog::Ring {
 public:
  static constexpr std::uint64_t kBytes = 1024 * 1024;

  enum class Pushed { yes, yes_and_half_full, no };

  // Thread: the writer. `head_` is stored, and `wake_` read after it, sequentially consistent: either the writer sees that
  // the log's thread sleeps, or that thread, which looks at the rings after it said so, sees the entry.
  Pushed push(AccessRecord record, std::chrono::system_clock::time_point when) {
    Entry entry;
    entry.cut = cut_texts(record);
    std::size_t size = sizeof(Entry);
    const auto texts = texts_of(record);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      entry.lengths[i] = static_cast<std::uint16_t>(texts[i]->size());
      size += texts[i]->size();
    }
    size = (size + alignof(Entry) - 1) & ~(alignof(Entry) - 1);

    const auto head = head_.load(std::memory_order_relaxed);
    const auto to_end = kBytes - head % kBytes;
    const auto skipped = to_end < size ? to_end : 0;
    if (kBytes - (head - known_tail_) < skipped + size) {
      known_tail_ = tail_.load(std::memory_order_acquire);
      if (kBytes - (head - known_tail_) < skipped + size) {
        dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        return Pushed::no;
      }
    }
    if (skipped != 0) {
      const std::uint32_t none = 0;
      std::memcpy(at(head), &none, sizeof(none));
    }
    entry.size = static_cast<std::uint32_t>(size);
    entry.status = static_cast<std::uint16_t>(record.status);
    entry.version = record.version;
    entry.body_bytes_sent = record.body_bytes_sent;
    entry.body_bytes_received = record.body_bytes_received;
    entry.total = record.total;
    entry.queue = record.queue;
    entry.handler = record.handler;
    entry.when = when;
    auto* out = at(head + skipped);
    std::memcpy(out, &entry, sizeof(entry));
    out += sizeof(entry);
    for (const auto* text : texts) {
      if (!text->empty()) std::memcpy(out, text->data(), text->size());
      out += text->size();
    }
    const auto new_head = head + skipped + size;
    head_.store(new_head, std::memory_order_seq_cst);
    if (new_head - known_tail_ > kBytes / 2) known_tail_ = tail_.load(std::memory_order_acquire);
    return new_head - known_tail_ > kBytes / 2 ? Pushed::yes_and_half_full : Pushed::yes;
  }

  // Calls `visit(record, cut, when)` for what was there when it began. Thread: the reader.
  template <class Visit>
  void drain(Visit visit) {
    const auto end = head_.load(std::memory_order_acquire);
    auto tail = tail_.load(std::memory_order_relaxed);
    while (tail != end) {
      std::uint32_t size = 0;
      std::memcpy(&size, at(tail), sizeof(size));
      if (size == 0) {
        tail += kBytes - tail % kBytes;
        continue;
      }
      Entry entry;
      std::memcpy(&entry, at(tail), sizeof(entry));
      AccessRecord record;
      const char* text = at(tail) + sizeof(entry);
      const auto texts = texts_of(record);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        *texts[i] = {text, entry.lengths[i]};
        text += entry.lengths[i];
      }
      record.status = entry.status;
      record.version = entry.version;
      record.body_bytes_sent = entry.body_bytes_sent;
      record.body_bytes_received = entry.body_bytes_received;
      record.total = entry.total;
      record.queue = entry.queue;
      record.handler = entry.handler;
      visit(record, entry.cut, entry.when);
      tail += size;
      tail_.store(tail, std::memory_order_release);
    }
  }

  // Thread: the reader.
  bool empty() const { return head_.load(std::memory_order_seq_cst) == tail_.load(std::memory_order_relaxed); }
  // Thread: any.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  char* at(std::uint64_t position) { return bytes_.get() + position % kBytes; }

  const std::unique_ptr<char[]> bytes_ = std::make_unique_for_overwrite<char[]>(kBytes);
  alignas(64) std::atomic<std::uint64_t> head_{0};  // bytes ever written; the writer's
  std::uint64_t known_tail_ = 0;                    // the writer's last look at tail_
  std::atomic<std::uint64_t> dropped_{0};
  alignas(64) std::atomic<std::uint64_t> tail_{0};  // bytes ever read; the reader's
};

AccessLog::AccessLog(unsigned shards, LogFormat format, std::function<void(std::string_view)> write_lines)
    : format_(format), write_lines_(std::move(write_lines)) {
  for (unsigned i = 0; i < shards; ++i) rings_.push_back(std::make_unique<Ring>());
  thread_ = std::thread([this] { run(); });
}

AccessLog::~AccessLog() {
  {
    std::lock_guard lock(mutex_);  // so that gather() sees it or is woken
    stopping_ = true;
  }
  gathering_.notify_one();
  wake_ = kAwake;
  wake_.notify_one();
  thread_.join();
}

void AccessLog::write(unsigned shard, const AccessRecord& record) {
  const auto pushed = rings_[shard]->push(record, SystemClock().wall());
  if (wake_.load(std::memory_order_seq_cst) == kAsleep && wake_.exchange(kAwake) == kAsleep) wake_.notify_one();
  // A notification between gather()'s look and its wait is lost and costs no more than the rest of the gathering time.
  if (pushed != Ring::Pushed::yes && !hurry_.load(std::memory_order_relaxed) && !hurry_.exchange(true))
    gathering_.notify_one();
}

std::uint64_t AccessLog::dropped() const {
  std::uint64_t sum = 0;
  for (const auto& ring : rings_) sum += ring->dropped();
  return sum;
}

// The first line after a pause is written at once; what follows is gathered, so that under load writers wake nobody.
void AccessLog::run() {
  std::string batch;
  for (;;) {
    const bool last = stopping_;  // read first: the drain after it sees all that was written before the end
    const bool wrote = drain(batch);
    report_drops();
    if (last) return;
    if (wrote) {
      gather();
      continue;
    }
    wake_.store(kAsleep, std::memory_order_seq_cst);
    bool nothing = !stopping_;
    for (const auto& ring : rings_) nothing = nothing && ring->empty();
    if (nothing) wake_.wait(kAsleep);
    wake_.store(kAwake, std::memory_order_relaxed);
  }
}

bool AccessLog::drain(std::string& batch) {
  bool wrote = false;
  const auto flush = [&] {
    if (batch.empty()) return;
    write_lines_(batch);
    batch.clear();
    wrote = true;
  };
  for (const auto& ring : rings_) {
    ring->drain([&](const AccessRecord& record, CutBytes cut, std::chrono::system_clock::time_point when) {
      append_access_line(batch, record, cut, format_, when);
      if (batch.size() >= kBatchBytes) flush();
    });
  }
  flush();
  return wrote;
}

void AccessLog::gather() {
  std::unique_lock lock(mutex_);
  gathering_.wait_for(lock, kGatherTime, [this] { return stopping_ || hurry_; });
  hurry_ = false;
}

void AccessLog::report_drops() {
  const auto now_dropped = dropped();
  if (now_dropped == reported_drops_) return;
  const auto now = SystemClock().now();
  if (now < next_drop_report_) return;
  log().warn("access log: {} lines dropped, since they came faster than they could be written",
             now_dropped - reported_drops_);
  reported_drops_ = now_dropped;
  next_drop_report_ = now + kDropReportInterval;
}

}  // namespace tandem::observe
