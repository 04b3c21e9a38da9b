// One worker as the supervisor sees it: its process or thread, its control socket, its output. Ends when it has exited and
// everything that it had sent is read.
// Thread: the supervisor's.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "frames/frame.hpp"
#include "pool/watchdog.hpp"
#include "pool/worker_link.hpp"
#include "pool/worker_process.hpp"

namespace tandem::pool {

class Worker : public std::enable_shared_from_this<Worker> {
 public:
  enum class State : std::uint8_t { starting, ready, draining, stuck };

  // What its owner hears of it.
  class Events {
   public:
    virtual void on_control(Worker& worker, const frames::Reader::Frame& frame) = 0;
    virtual void on_control_closed(Worker& worker) = 0;
    // The last event. `how`: "signal 9 (Killed)".
    virtual void on_gone(Worker& worker, const std::string& how) = 0;

   protected:
    ~Events() = default;
  };

  Worker(boost::asio::io_context& context, Events& events, const PoolOptions& options, unsigned slot_index,
         std::size_t loops);
  ~Worker();

  // Brings it to life and says hello. `events` hears of it from then on.
  Result<void> start(const WorkerProgram& program);
  void send(frames::Type type, std::uint64_t id = 0, std::string_view payload = {});
  void signal(int number) const;
  // Measures `cpus`.
  void look_at_cpu(TimePoint now);
  // Keeps what it writes to its output from now on out of the log, until it is taken.
  void capture() {
    if (!captured_) captured_.emplace();
  }
  std::string take_captured();
  // The beginning of what it wrote to its output while it started.
  const std::string& first_output() const { return first_output_; }
  // Does SIGUSR2 make it write its stacks? Before its first word it would end it.
  bool heeds_signals() const { return !is_thread() && (state != State::starting || !step.empty()); }
  // For kernels that have no descriptor for a process.
  void look_for_exit_without_handle();
  // A thread can't be ended from outside; the socket's end asks it to.
  void close_control();

  bool is_thread() const { return pid == 0; }
  bool is_gone() const { return exit_status_ && control_closed_; }

  const unsigned slot;
  const std::string name;
  const std::shared_ptr<WorkerLink> link;
  int pid = 0;
  State state = State::starting;
  TimePoint started_at{};
  TimePoint stuck_at{};
  TimePoint kill_at = TimePoint::max();
  std::string step;     // of its start
  std::string failure;  // why it did not start
  TimePoint draining_at{};
  WearLimits limits;
  std::uint64_t rss_bytes = 0;
  std::optional<TimePoint> pinged_at;  // a ping is under way
  Nanoseconds gil_wait{0};             // of the last ping that was answered
  double cpus = 0;                     // used since the last look at it
  bool is_connected = false;           // the loops have been given its lanes
  bool told_to_drain = false;
  bool said_stuck = false;
  bool told_to_give_up = false;

 private:
  void read_control();
  void write_control();
  void read_output();
  void read_last_output();
  void take_output(std::string_view bytes);
  void log_record(std::string_view payload) const;
  void wait_for_exit();
  void look_for_exit();
  void exited(std::string how);
  void finish();

  boost::asio::io_context& context_;
  Events& events_;
  const PoolOptions& options_;
  const std::size_t loops_;
  boost::asio::local::stream_protocol::socket control_;
  boost::asio::posix::stream_descriptor output_;
  boost::asio::posix::stream_descriptor process_;
  frames::Reader reader_;
  std::string sending_;
  std::string to_send_;
  std::array<char, 4096> output_piece_;
  std::string output_line_;
  std::string first_output_;
  std::optional<std::string> captured_;
  Nanoseconds cpu_seen_{0};
  TimePoint cpu_seen_at_{};
  std::thread thread_;
  std::optional<std::string> exit_status_;
  bool control_closed_ = false;
  bool has_handle_ = false;
};

}  // namespace tandem::pool
