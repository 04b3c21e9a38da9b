// One line per finished request, written by a thread of its own: the I/O threads put fixed records into a bounded ring each
// and never wait; what does not fit is counted and dropped.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"

namespace tandem::observe {

// Views need to live during AccessLog::write() only.
struct AccessRecord {
  std::string_view client;
  std::string_view method;
  std::string_view target;  // as received; escaped by the writer
  std::string_view route;
  std::string_view arm;
  std::string_view backend;
  std::string_view request_id;
  std::string_view user_agent;
  int status = 0;
  std::uint8_t version = 11;
  std::uint64_t body_bytes_sent = 0;
  std::uint64_t body_bytes_received = 0;
  Nanoseconds total{0};
  Nanoseconds queue{0};
  Nanoseconds handler{0};
};

enum class LogFormat : std::uint8_t { text, json };

class AccessLog {
 public:
  // `write_lines` gets one or more complete lines with their newlines, on the log's own thread. `shards`: writing threads.
  AccessLog(unsigned shards, LogFormat format, std::function<void(std::string_view)> write_lines);
  ~AccessLog();  // writes what is left; no write() may be in progress

  // Thread: the one I/O thread of that shard. Never blocks. Lines of one shard keep their order.
  void write(unsigned shard, const AccessRecord& record);

  // Records that found their shard's ring full. Thread: any.
  std::uint64_t dropped() const;

 private:
  class Ring;
  void run();
  bool drain(std::string& batch);
  void gather();
  void report_drops();

  const LogFormat format_;
  std::function<void(std::string_view)> write_lines_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::atomic<std::uint32_t> wake_{0};  // 1: the log's thread sleeps until somebody sets 0
  std::atomic<bool> hurry_{false};      // a ring is half full: gather no longer
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // for gathering_ alone; guards nothing
  std::condition_variable gathering_;
  std::uint64_t reported_drops_ = 0;  // the log's thread only
  TimePoint next_drop_report_{};      // the log's thread only
  std::thread thread_;
};

// One line with its newline, as `format` has it. `when`: wall time of the request's end. Targets of more than 1024 bytes and
// user agents of more than 256 are cut, and the line says by how much.
std::string format_access_line(const AccessRecord& record, LogFormat format, std::chrono::system_clock::time_point when);

}  // namespace tandem::observe
