#include "pool/worker.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "base/log.hpp"
#include "pool/handshake.hpp"

namespace tandem::pool {

namespace asio = boost::asio;
using boost::system::error_code;

Worker::Worker(asio::io_context& context, Events& events, const PoolOptions& options, unsigned slot_index, std::size_t loops)
    : slot(slot_index),
      name(options.name + "-" + std::to_string(slot_index)),
      link(std::make_shared<WorkerLink>(name, options.threads, static_cast<unsigned>(loops))),
      context_(context),
      events_(events),
      options_(options),
      loops_(loops),
      control_(context),
      output_(context),
      process_(context) {}

// A thread that does not end can't be made to: it is left alone, with nobody to speak to.
Worker::~Worker() {
  if (!thread_.joinable()) return;
  if (exit_status_)
    thread_.join();
  else
    thread_.detach();
}

Result<void> Worker::start(const WorkerProgram& program) {
  auto sockets = make_worker_sockets(link->lane_ends.size());
  if (!sockets) return sockets.error();
  link->lane_ends = std::move(sockets->lanes);
  started_at = std::chrono::steady_clock::now();
  if (options_.mode == Mode::process) {
    auto process = spawn_worker(program, *sockets, options_);
    if (!process) return process.error();
    pid = link->pid = process->pid;
    output_.assign(process->output.release());
    if (process->handle) {
      process_.assign(process->handle.release());
      has_handle_ = true;
    }
  }
  control_.assign(asio::local::stream_protocol(), sockets->control.release());
  send(frames::Type::hello, 0, format_hello(options_, name, loops_));
  read_control();
  if (options_.mode == Mode::process) {
    read_output();
    if (has_handle_) wait_for_exit();
    return {};
  }
  // The thread reports its end through a pipe, so that it shares nothing with a supervisor that may be gone by then.
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error("python.start_failed", "pipe2 failed");
  process_.assign(ends[0]);
  wait_for_exit();
  std::vector<int> lanes;
  for (auto& lane : sockets->worker_lanes) lanes.push_back(lane.release());
  const int control = sockets->worker_control.release();
  thread_ = std::thread([run = program.run, control, lanes = std::move(lanes), end = Descriptor(ends[1])] {
    const int code = run(control, lanes);
    [[maybe_unused]] const auto told = ::write(end.get(), &code, sizeof(code));
  });
  return {};
}

void Worker::send(frames::Type type, std::uint64_t id, std::string_view payload) {
  if (control_closed_) return;
  frames::append_frame(to_send_, type, 0, id, payload);
  if (sending_.empty()) write_control();
}

void Worker::write_control() {
  sending_.swap(to_send_);
  asio::async_write(control_, asio::buffer(sending_), [self = shared_from_this()](error_code error, std::size_t) {
    self->sending_.clear();
    if (!error && !self->to_send_.empty()) self->write_control();
  });
}

void Worker::read_control() {
  char* const free = reader_.prepare(16 * 1024);
  control_.async_read_some(asio::buffer(free, reader_.room()),
                           [self = shared_from_this()](error_code error, std::size_t count) {
                             self->reader_.commit(count);
                             frames::Reader::Frame frame;
                             auto status = frames::Reader::Status::need_more;
                             while ((status = self->reader_.next(frame)) == frames::Reader::Status::frame) {
                               if (frame.header.type == frames::Type::log)
                                 self->log_record(frame.payload);
                               else
                                 self->events_.on_control(*self, frame);
                             }
                             if (status == frames::Reader::Status::malformed) {
                               log().error("{}: sent something that is no frame of the worker protocol", self->name);
                             } else if (!error) {
                               self->read_control();
                               return;
                             }
                             self->control_closed_ = true;
                             self->events_.on_control_closed(*self);
                             self->finish();
                           });
}

void Worker::close_control() {
  error_code ignored;
  control_.shutdown(asio::socket_base::shutdown_both, ignored);
}

void Worker::read_output() {
  output_.async_read_some(asio::buffer(output_piece_), [self = shared_from_this()](error_code error, std::size_t count) {
    if (!self->output_.is_open()) return;
    self->take_output({self->output_piece_.data(), count});
    if (!error) self->read_output();
  });
}

// What is still in the pipe when the worker has ended: a child of it may hold the other end for long.
void Worker::read_last_output() {
  if (!output_.is_open()) return;
  error_code error;
  output_.non_blocking(true, error);
  while (!error) {
    const auto count = output_.read_some(asio::buffer(output_piece_), error);
    take_output({output_piece_.data(), count});
  }
  take_output("\n");
  output_.close(error);
}

// What the worker's interpreter and libraries write past the log: line by line, long lines in pieces.
void Worker::take_output(std::string_view bytes) {
  static constexpr std::size_t kLongest = 8 * 1024;
  static constexpr std::size_t kFirst = 4 * 1024;
  if (state == State::starting && first_output_.size() < kFirst) first_output_.append(bytes);
  output_line_.append(bytes);
  std::string_view rest = output_line_;
  while (true) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos && rest.size() < kLongest) break;
    const auto line = rest.substr(0, std::min(end, kLongest));
    if (captured_)
      captured_->append(line).append("\n");
    else if (!line.empty())
      log().warn("{} ({}): {}", name, pid, line);
    rest.remove_prefix(line.size() + (line.size() == end ? 1 : 0));
  }
  output_line_ = std::string(rest);
}

// One record of the worker's own log.
void Worker::log_record(std::string_view payload) const {
  frames::LogHead head;
  if (!frames::take(payload, head)) return;
  const auto level = static_cast<spdlog::level::level_enum>(std::min<int>(head.level, spdlog::level::critical));
  const auto logger = frames::at(payload, head.logger);
  const auto message = frames::at(payload, head.message);
  const auto id = frames::at(payload, head.request_id);
  if (id.empty())
    log().log(level, "{} {}: {}", name, logger, message);
  else
    log().log(level, "[{}] {}: {}", id, logger, message);
}

std::string Worker::take_captured() {
  auto text = std::move(captured_).value_or("");
  captured_.reset();
  return text;
}

void Worker::look_at_cpu(TimePoint now) {
  const auto used = cpu_time(pid);
  const auto passed = now - cpu_seen_at_;
  if (cpu_seen_at_ != TimePoint{} && passed.count() > 0)
    cpus = static_cast<double>((used - cpu_seen_).count()) / static_cast<double>(Nanoseconds(passed).count());
  cpu_seen_ = used;
  cpu_seen_at_ = now;
}

void Worker::signal(int number) const {
  if (pid > 0 && !exit_status_) ::kill(pid, number);
}

void Worker::wait_for_exit() {
  process_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](error_code error) {
    if (!error) self->look_for_exit();
  });
}

void Worker::look_for_exit_without_handle() {
  if (!is_thread() && !has_handle_) look_for_exit();
}

void Worker::look_for_exit() {
  if (exit_status_) return;
  int status = 0;
  if (is_thread()) {
    error_code error;
    process_.read_some(asio::buffer(&status, sizeof(status)), error);
    exited("exit code " + std::to_string(status));
    return;
  }
  const auto found = ::waitpid(pid, &status, WNOHANG);
  if (found == pid)
    exited(format_exit(status));
  else if (found < 0 && errno == ECHILD)
    exited("unknown exit code");  // somebody else has reaped it
}

void Worker::exited(std::string how) {
  exit_status_ = std::move(how);
  error_code ignored;
  control_.shutdown(asio::socket_base::shutdown_receive, ignored);  // reads on to the end of what is there
  finish();
}

void Worker::finish() {
  if (!is_gone()) return;
  read_last_output();
  error_code ignored;
  control_.close(ignored);
  process_.close(ignored);
  events_.on_gone(*this, *exit_status_);
}

}  // namespace tandem::pool
