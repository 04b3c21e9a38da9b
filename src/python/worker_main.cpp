#include "python/worker_main.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "frames/frame.hpp"
#include "python/async_executor.hpp"
#include "python/bindings.hpp"
#include "python/control_channel.hpp"
#include "python/hello.hpp"
#include "python/interpreter.hpp"
#include "python/interrupter.hpp"
#include "python/module_loader.hpp"
#include "python/sync_executor.hpp"

namespace tandem::python {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;
// How long the last words may take when nobody reads them.
constexpr int kLastWordsMs = 2000;

void do_nothing(int) {}

// A worker is stopped through its control socket: the terminal's Ctrl-C goes to the whole process group, and the server
// drains. Handlers rather than SIG_IGN, which programs started by endpoints would inherit.
void set_up_process(int control, const std::vector<int>& lanes) {
  struct sigaction nothing {};
  nothing.sa_handler = do_nothing;
  nothing.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &nothing, nullptr);
  ::sigaction(SIGTERM, &nothing, nullptr);
  ::sigaction(SIGHUP, &nothing, nullptr);
  ::sigaction(SIGUSR1, &nothing, nullptr);
  ::sigaction(SIGUSR2, &nothing, nullptr);  // until faulthandler takes it
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;  // as Python itself does
  ::sigaction(SIGPIPE, &ignore, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  ::fcntl(control, F_SETFD, FD_CLOEXEC);
  for (int lane : lanes) ::fcntl(lane, F_SETFD, FD_CLOEXEC);
}

// Ends the process when the front goes while the control thread is busy importing.
class FrontWatch {
 public:
  FrontWatch(int control, bool enabled) : stop_(::eventfd(0, EFD_CLOEXEC)) {
    if (!enabled) return;
    thread_ = std::thread([this, control] {
      pollfd polled[] = {{control, POLLRDHUP, 0}, {stop_, POLLIN, 0}};
      while (::poll(polled, 2, -1) < 0) {
      }
      if (polled[1].revents == 0) ::_exit(1);
    });
  }
  ~FrontWatch() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stop_, &one, sizeof(one));
    if (thread_.joinable()) thread_.join();
    ::close(stop_);
  }

 private:
  int stop_;
  std::thread thread_;
};

class Worker {
 public:
  Worker(int control, std::vector<int> lanes, bool in_server_process)
      : channel_(control),
        lanes_(std::move(lanes)),
        in_server_process_(in_server_process),
        done_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Worker() {
    ::close(done_);
    for (int lane : lanes_) ::close(lane);
    ::close(channel_.socket());
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  int run();

 private:
  enum class Received { some, nothing, closed };

  // Receives control bytes; waits for them if it `may_wait`.
  Received receive(bool may_wait);
  std::optional<std::string> receive_hello();
  int fail(const std::string& failure);
  int abort_start(const std::string& failure, PyThreadState* main_state);
  void finish(PyThreadState* main_state);
  void start_executors(const Loaded& loaded);
  void send_ready(const Loaded& loaded);
  // Until every executor has ended.
  void serve();
  void handle(const frames::Reader::Frame& frame);
  void revoke(std::uint64_t id);
  void cancel(std::uint64_t id, std::string_view payload);
  void drain();
  void front_is_gone();

  ControlChannel channel_;
  const std::vector<int> lanes_;
  const bool in_server_process_;
  const int done_;  // eventfd: one for each executor that has ended
  frames::Reader reader_;
  bool front_gone_ = false;

  PyInterpreterState* interpreter_ = nullptr;
  Program program_;
  std::vector<std::unique_ptr<SyncExecutor>> sync_executors_;
  std::unique_ptr<AsyncExecutor> async_executor_;
  std::vector<Executor*> executors_;  // all of them
  std::unique_ptr<Interrupter> interrupter_;
  std::vector<std::thread> threads_;
};

Worker::Received Worker::receive(bool may_wait) {
  char* room = reader_.prepare(kReadBytes);
  for (;;) {
    const auto received = ::recv(channel_.socket(), room, reader_.room(), MSG_DONTWAIT);
    if (received > 0) {
      reader_.commit(static_cast<std::size_t>(received));
      return Received::some;
    }
    if (received == 0) return Received::closed;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!may_wait) return Received::nothing;
      pollfd wait{channel_.socket(), POLLIN, 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      return Received::closed;
    }
  }
}

std::optional<std::string> Worker::receive_hello() {
  frames::Reader::Frame frame;
  for (;;) {
    const auto status = reader_.next(frame);
    if (status == frames::Reader::Status::frame && frame.header.type == frames::Type::hello)
      return std::string(frame.payload);
    if (status != frames::Reader::Status::need_more || receive(true) == Received::closed) return std::nullopt;
  }
}

int Worker::fail(const std::string& failure) {
  channel_.send(frames::Type::failed, 0, failure);
  channel_.flush_for(kLastWordsMs);
  return 1;
}

int Worker::run() {
  const auto hello = receive_hello();
  if (!hello) return 1;

  std::optional<FrontWatch> watch;
  watch.emplace(channel_.socket(), !in_server_process_);
  channel_.send(frames::Type::starting, 0, "interpreter");
  set_control(&channel_);
  if (const auto started = Interpreter::start(find_top_level_string(*hello, "home")); !started)
    return fail(format_failure("interpreter", started.error().message));
  interpreter_ = PyInterpreterState_Get();
  Loaded loaded;
  {
    const CalledByPython gil;  // Py_Initialize left it with us
    loaded = load_program(gil, *hello, in_server_process_);
  }
  PyThreadState* const main_state = PyEval_SaveThread();
  if (loaded.failure.empty() && lanes_.size() != std::size_t{loaded.threads + 1} * loaded.io_threads)
    loaded.failure = format_failure("hello", "the number of lanes is not (threads + 1) × io_threads");
  if (!loaded.failure.empty()) return abort_start(loaded.failure, main_state);
  program_ = loaded.program;
  start_executors(loaded);
  if (const auto failure = async_executor_ ? async_executor_->wait_until_started() : std::string(); !failure.empty())
    return abort_start(failure, main_state);
  watch.reset();
  interrupter_ = std::make_unique<Interrupter>(channel_, interpreter_, sync_executors_, loaded.runtime);
  send_ready(loaded);
  serve();

  finish(main_state);
  return 0;
}

int Worker::abort_start(const std::string& failure, PyThreadState* main_state) {
  const int code = fail(failure);
  if (!in_server_process_) ::_exit(code);  // without waiting for threads that a half-loaded program may have started
  drain();
  finish(main_state);
  return code;
}

void Worker::finish(PyThreadState* main_state) {
  for (auto& thread : threads_) thread.join();
  if (interrupter_) interrupter_->stop();
  Interpreter::finish(main_state);
  channel_.flush_for(kLastWordsMs);
}

void Worker::start_executors(const Loaded& loaded) {
  const auto lanes_of = [&](unsigned executor) {
    const auto first = lanes_.begin() + executor * loaded.io_threads;
    return std::vector<int>(first, first + loaded.io_threads);
  };
  const auto is_async = [](const Endpoint& endpoint) { return endpoint.is_async; };
  const bool needs_sync = !std::all_of(program_.begin(), program_.end(), is_async) || program_.empty();
  for (unsigned i = 0; needs_sync && i < loaded.threads; ++i) {
    sync_executors_.push_back(std::make_unique<SyncExecutor>(program_, channel_, lanes_of(i), loaded.streamed));
    executors_.push_back(sync_executors_.back().get());
  }
  if (std::any_of(program_.begin(), program_.end(), is_async)) {
    async_executor_ =
        std::make_unique<AsyncExecutor>(program_, channel_, lanes_of(loaded.threads), loaded.streamed, loaded.runtime);
    executors_.push_back(async_executor_.get());
  }
  for (Executor* executor : executors_) {
    threads_.emplace_back([this, executor] {
      executor->run(interpreter_);
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = ::write(done_, &one, sizeof(one));
    });
    ::pthread_setname_np(threads_.back().native_handle(), executor == async_executor_.get() ? "py-async" : "py-sync");
  }
}

void Worker::send_ready(const Loaded& loaded) {
  const std::string_view version = Py_GetVersion();
  std::string json = "{\"pid\":" + std::to_string(::getpid()) + ",\"python\":\"" +
                     std::string(version.substr(0, version.find(' '))) + "\",\"endpoints\":[";
  for (std::size_t i = 0; i < loaded.program.size(); ++i) {
    if (i > 0) json.push_back(',');
    const Endpoint& endpoint = loaded.program[i];
    json.append(endpoint.is_async ? R"({"executor":"async","interface":")" : R"({"executor":"sync","interface":")");
    json.append(endpoint.interface == Interface::asgi   ? "asgi"
                : endpoint.interface == Interface::wsgi ? "wsgi"
                                                        : "function");
    json.append("\"}");
  }
  json.append("]}");
  channel_.send(frames::Type::ready, 0, json);
}

void Worker::serve() {
  std::size_t ended = 0;
  frames::Reader::Frame frame;
  for (;;) {
    auto status = reader_.next(frame);
    for (; status == frames::Reader::Status::frame; status = reader_.next(frame)) handle(frame);
    if (status == frames::Reader::Status::malformed) front_is_gone();
    if (ended == executors_.size()) return;
    pollfd polled[] = {{front_gone_ ? -1 : channel_.socket(), POLLIN, 0}, {done_, POLLIN, 0}};
    if (channel_.has_output()) polled[0].events |= POLLOUT;
    // Others send too: what they could not write is seen at the latest with the next frame or after this time.
    if (::poll(polled, 2, 1000) < 0) continue;
    if ((polled[0].revents & POLLOUT) != 0) channel_.flush();
    if ((polled[0].revents & ~POLLOUT) != 0 && receive(false) == Received::closed) front_is_gone();
    if (polled[1].revents != 0) {
      std::uint64_t count = 0;
      if (::read(done_, &count, sizeof(count)) == sizeof(count)) ended += count;
    }
  }
}

void Worker::handle(const frames::Reader::Frame& frame) {
  switch (frame.header.type) {
    case frames::Type::cancel:
      return cancel(frame.header.id, frame.payload);
    case frames::Type::revoke:
      return revoke(frame.header.id);
    case frames::Type::ping:
      return interrupter_->ping(frame.header.id);
    case frames::Type::stacks:
      return interrupter_->tell_stacks(frame.header.id);
    case frames::Type::drain:
      return drain();
    default:
      channel_.log(5, "tandem", "protocol error: an unexpected frame on the control socket");
      front_is_gone();
  }
}

void Worker::revoke(std::uint64_t id) {
  for (Executor* executor : executors_) {
    executor->read_ahead();
    const auto found = executor->inbox().revoke(id);
    if (found == Inbox::Found::taken_back) channel_.send(frames::Type::revoked, id);
    if (found != Inbox::Found::unknown) return;
  }
}

void Worker::cancel(std::uint64_t id, std::string_view payload) {
  auto reason = frames::CancelReason::out_of_time;
  frames::take(payload, reason);
  for (Executor* executor : executors_) {
    executor->read_ahead();
    const auto found = executor->inbox().cancel(id, reason);
    if (found == Inbox::Found::taken_back) channel_.send(frames::Type::revoked, id);
    if (found == Inbox::Found::started) {
      executor->wake();
      for (auto& one : sync_executors_)
        if (one.get() == executor) interrupter_->interrupt(*one, id);
    }
    if (found != Inbox::Found::unknown) return;
  }
}

void Worker::drain() {
  for (Executor* executor : executors_) executor->drain();
}

void Worker::front_is_gone() {
  if (!in_server_process_) ::_exit(1);
  if (front_gone_) return;
  front_gone_ = true;
  for (Executor* executor : executors_) executor->inbox().cancel_all();
  drain();
}

}  // namespace

int worker_main(int control, std::vector<int> lanes, bool in_server_process) {
  if (!in_server_process) set_up_process(control, lanes);
  Worker worker(control, std::move(lanes), in_server_process);
  return worker.run();
}

}  // namespace tandem::python
