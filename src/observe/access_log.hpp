// One line per finished request, written by a thread of its own: the I/O threads put fixed records into a bounded ring each and
// never wait; what does not fit is counted and dropped.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
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
  ~AccessLog();  // writes what is left

  // Thread: the one I/O thread of that shard. Never blocks.
  void write(unsigned shard, const AccessRecord& record);

  std::uint64_t dropped() const;

 private:
  class Ring;
  void run();

  const LogFormat format_;
  std::function<void(std::string_view)> write_lines_;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::atomic<std::uint32_t> wake_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// One line with its newline, as `format` has it. `when`: wall time of the request's end.
std::string format_access_line(const AccessRecord& record, LogFormat format, std::chrono::system_clock::time_point when);

}  // namespace tandem::observe
