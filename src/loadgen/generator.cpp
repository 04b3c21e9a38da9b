#include "loadgen/generator.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <deque>
#include <optional>

#include "base/ascii.hpp"
#include "loadgen/backlog.hpp"
#include "loadgen/response_reader.hpp"

namespace tandem::loadgen {

namespace asio = boost::asio;
using Socket = asio::generic::stream_protocol::socket;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr Nanoseconds kSweep = Milliseconds(50);      // time-outs and the wish to stop are looked at so often
constexpr Nanoseconds kMaxIdle = Milliseconds(1000);  // a connection that rested longer is looked at before it is used
constexpr std::size_t kMaxAtOnce = 256;               // requests that became due, before answers are looked at again

Nanoseconds thread_cpu() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + Nanoseconds(now.tv_nsec);
}

// How far the wall clock is from the monotonic one.
Nanoseconds clock_offset() {
  const SystemClock clock;
  return std::chrono::duration_cast<Nanoseconds>(clock.wall().time_since_epoch()) -
         std::chrono::duration_cast<Nanoseconds>(clock.now().time_since_epoch());
}

void prepare_socket(Socket& socket) {
  error_code ignored;
  if (socket.local_endpoint(ignored).protocol().family() != AF_UNIX)
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
}

// Closed by the peer, broken, or with bytes that nobody asked for.
bool is_stale(Socket& socket) {
  char byte = 0;
  const auto size = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

struct Job {
  TimePoint due{};
  std::size_t request = 0;
  bool is_counted = false;  // due after the washout
  bool is_repeated = false;
};

// What happens to the jobs of a client.
class Ledger {
 public:
  virtual ~Ledger() = default;
  virtual void answered(const Job& job, TimePoint sent, const ResponseReader& reader) = 0;
  virtual void failed(const Job& job, bool is_timeout) = 0;
  virtual void again(const Job& job) = 0;
  virtual void is_idle(std::size_t client) = 0;
};

// One connection: a request at a time.
class Client {
 public:
  Client(asio::io_context& context, const Address& address, const std::vector<WireRequest>& requests, std::size_t index,
         Ledger& ledger)
      : address_(address), requests_(requests), index_(index), ledger_(ledger), socket_(context) {}

  Result<void> connect() {
    if (socket_.is_open()) return {};
    error_code error;
    socket_.connect(address_.endpoint, error);
    if (error) return Error("command.no_server", error.message());
    prepare_socket(socket_);
    idle_since_ = SteadyClock::now();
    return {};
  }

  // Nobody reads from a connection that rests, so nobody sees that the server has closed it.
  void close_if_stale() {
    if (socket_.is_open() && is_stale(socket_)) close();
  }

  void start(const Job& job) {
    job_ = job;
    is_busy_ = true;
    has_bytes_ = false;
    sent_ = SteadyClock::now();
    if (sent_ - idle_since_ > kMaxIdle) close_if_stale();
    was_kept_ = socket_.is_open();
    if (was_kept_) return send();
    socket_.async_connect(address_.endpoint, [this, life = life_](error_code error) {
      if (life != life_) return;
      if (error) return fail(false);
      prepare_socket(socket_);
      send();
    });
  }

  bool is_busy() const { return is_busy_; }
  const Job& job() const { return job_; }
  TimePoint sent() const { return sent_; }

  // Ends what it does without a word to the ledger.
  void abandon() {
    ++life_;
    error_code ignored;
    socket_.close(ignored);
    is_busy_ = false;
  }
  void time_out() { fail(true); }

 private:
  const WireRequest& request() const { return requests_[job_.request]; }

  // Nearly always the socket takes all of it at once.
  void send() {
    reader_.emplace(request().is_head, request().has_body ? &request().body : nullptr, nullptr);
    error_code error;
    if (!socket_.non_blocking()) socket_.non_blocking(true, error);
    const auto written = socket_.write_some(asio::buffer(request().bytes), error);
    if (error && error != asio::error::would_block) return broken();
    is_written_ = written == request().bytes.size();
    if (!is_written_) {
      asio::async_write(socket_, asio::buffer(request().bytes) + written,
                        [this, life = life_](error_code failure, std::size_t) {
                          if (life != life_) return;
                          is_written_ = !failure;
                          if (failure && !has_bytes_) broken();
                        });
    }
    read();
  }

  void read() {
    socket_.async_read_some(asio::buffer(buffer_.data() + kept_, buffer_.size() - kept_),
                            [this, life = life_](error_code error, std::size_t size) {
                              if (life == life_) take(error, size);
                            });
  }

  void take(error_code error, std::size_t size) {
    error_code parsing;
    if (error) {
      if (error != asio::error::eof || !reader_->got_some()) return broken();
      reader_->put_eof(parsing);
      return parsing || !reader_->is_done() ? broken() : finish(false);
    }
    has_bytes_ = true;
    std::size_t begin = 0;
    const std::size_t end = kept_ + size;
    while (begin < end && !reader_->is_done()) {
      const auto used = reader_->put(asio::buffer(buffer_.data() + begin, end - begin), parsing);
      begin += used;
      if (parsing == boost::beast::http::error::need_more) break;
      if (parsing) return fail(false);
      if (reader_->is_done() && reader_->status() >= 100 && reader_->status() < 200 && reader_->status() != 101)
        reader_.emplace(request().is_head, request().has_body ? &request().body : nullptr, nullptr);
    }
    kept_ = end - begin;
    // An answer may come before all of its request is written: the next one must not get between the pieces.
    if (reader_->is_done()) return finish(reader_->keep_alive() && kept_ == 0 && is_written_);
    if (kept_ == buffer_.size()) return fail(false);  // a field of 64 KiB
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin), buffer_.begin() + static_cast<std::ptrdiff_t>(end),
              buffer_.begin());
    read();
  }

  void finish(bool is_kept) {
    if (!is_kept) close();
    kept_ = 0;
    is_busy_ = false;
    idle_since_ = SteadyClock::now();
    ledger_.answered(job_, sent_, *reader_);
    ledger_.is_idle(index_);
  }

  // A server may close a kept connection at any time: what it has not begun to answer is sent again, once.
  void broken() {
    if (!was_kept_ || has_bytes_ || job_.is_repeated || !request().is_repeatable) return fail(false);
    close();
    is_busy_ = false;
    ledger_.again(job_);
    ledger_.is_idle(index_);
  }

  void fail(bool is_timeout) {
    close();
    is_busy_ = false;
    ledger_.failed(job_, is_timeout);
    ledger_.is_idle(index_);
  }

  void close() {
    ++life_;
    kept_ = 0;
    error_code ignored;
    socket_.close(ignored);
  }

  const Address& address_;
  const std::vector<WireRequest>& requests_;
  std::size_t index_;
  Ledger& ledger_;
  Socket socket_;
  std::optional<ResponseReader> reader_;
  std::array<char, 64 * 1024> buffer_{};
  std::size_t kept_ = 0;  // bytes at the front of the buffer that the reader could not use yet
  Job job_;
  TimePoint sent_{};
  TimePoint idle_since_{};
  unsigned life_ = 0;  // of the connection: handlers of an earlier one are too late
  bool is_busy_ = false;
  bool was_kept_ = false;
  bool is_written_ = false;  // the whole request
  bool has_bytes_ = false;   // of the answer
};

}  // namespace

class Generator::Impl final : public Ledger {
 public:
  Impl(Address address, const std::vector<WireRequest>& requests, std::size_t connections)
      : address_(address),
        requests_(requests),
        context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE),
        due_timer_(context_),
        sweep_timer_(context_) {
    for (std::size_t i = 0; i < connections; ++i) clients_.emplace_back(context_, address_, requests_, i, *this);
  }

  Result<void> connect() {
    for (auto& client : clients_)
      if (auto connected = client.connect(); !connected) return connected;
    return {};
  }

  Block run(const Load& load, const std::atomic<bool>& stop) {
    load_ = &load;
    stop_ = &stop;
    block_ = Block();
    block_.asked_rate = load.rate;
    block_.duration = load.duration;
    schedule_.emplace(load.rate, load.arrivals, load.seed);
    next_request_ = load.first_request;
    quickest_ = Nanoseconds::max();
    // Not counted: a client that finds its connection closed would have to wait for another.
    for (auto& client : clients_) {
      client.close_if_stale();
      static_cast<void>(client.connect());  // who can't connect now tries again, and fails, with a request
    }
    is_over_ = is_all_sent_ = false;
    free_.clear();
    for (std::size_t i = clients_.size(); i > 0; --i) free_.push_back(i - 1);
    const auto cpu = thread_cpu();
    const auto offset = clock_offset();
    start_ = SteadyClock::now();
    backlog_.emplace(start_ + load.washout, load.duration);
    send_due();
    sweep();
    context_.restart();
    if (!is_over_) context_.run();
    const auto elapsed = SteadyClock::now() - start_;
    if (elapsed >= load.washout + load.duration) {
      backlog_->look(SteadyClock::now());
      block_.kept_up = backlog_->kept_up(load.rate, quickest_ == Nanoseconds::max() ? Nanoseconds{0} : quickest_);
    }
    end();
    block_.generator_cpu =
        std::chrono::duration<double>(thread_cpu() - cpu) / std::max(std::chrono::duration<double>(elapsed), {});
    block_.clock_step = clock_offset() - offset;
    return std::move(block_);
  }

 private:
  TimePoint due() const { return start_ + schedule_->next(); }

  void send_due() {
    if (is_over_) return;
    auto now = SteadyClock::now();
    for (std::size_t sent = 0; !is_all_sent_ && due() <= now; ++sent) {
      if (sent == kMaxAtOnce) return wait_until_due();
      enqueue(now);
      now = SteadyClock::now();
    }
    if (is_all_sent_) return finish_if_done();
    wait_until_due();
  }

  void enqueue(TimePoint now) {
    const Job job{due(), next_request_++ % requests_.size(), schedule_->next() >= load_->washout, false};
    backlog_->came(now);
    schedule_->advance();
    is_all_sent_ = schedule_->next() >= load_->washout + load_->duration;
    if (job.is_counted) {
      ++block_.planned;
      block_.lateness.record(now - job.due);
    }
    if (!free_.empty() && queue_.empty()) return start(job);
    queue_.push_back(job);
  }

  void start(const Job& job) {
    auto& client = clients_[free_.back()];
    free_.pop_back();
    client.start(job);
  }

  // A timer that runs is for an earlier moment: when it fires, this is called again.
  void wait_until_due() {
    if (is_waiting_) return;
    is_waiting_ = true;
    due_timer_.expires_at(due());
    due_timer_.async_wait([this](error_code error) {
      is_waiting_ = false;
      if (!error) send_due();
    });
  }

  // Looks for requests that take too long, and whether there is more to wait for.
  void sweep() {
    const auto now = SteadyClock::now();
    for (auto& client : clients_)
      if (client.is_busy() && now - client.sent() > load_->timeout) client.time_out();
    const auto deadline = start_ + load_->washout + load_->duration + load_->timeout;
    if (*stop_ || now >= deadline) return finish();
    finish_if_done();
    if (is_over_) return;
    if (load_->tick) load_->tick();
    sweep_timer_.expires_after(kSweep);
    sweep_timer_.async_wait([this](error_code error) {
      if (!error) sweep();
    });
  }

  void finish_if_done() {
    if (is_all_sent_ && queue_.empty() && free_.size() == clients_.size()) finish();
  }

  void finish() {
    is_over_ = true;
    context_.stop();
  }

  // What is still under way has waited so long at least.
  void end() {
    const auto now = SteadyClock::now();
    for (auto& client : clients_) {
      if (!client.is_busy()) continue;
      censor(client.job(), now);
      client.abandon();
    }
    for (const auto& job : queue_) censor(job, now);
    queue_.clear();
    due_timer_.cancel();
    sweep_timer_.cancel();
    context_.restart();
    context_.poll();
  }

  void censor(const Job& job, TimePoint now) {
    if (!job.is_counted) return;
    ++block_.censored;
    block_.latency.record(now - job.due);
  }

  void answered(const Job& job, TimePoint sent, const ResponseReader& reader) override {
    ++block_.server_requests;
    const auto now = SteadyClock::now();
    backlog_->went(now);
    quickest_ = std::min<Nanoseconds>(quickest_, now - sent);
    if (!job.is_counted) return;
    const auto& request = requests_[job.request];
    const bool has_status = request.status == 0 ? reader.status() < 400 : reader.status() == request.status;
    ++block_.answered;
    if (!has_status)
      ++block_.wrong_status;
    else if (!reader.has_expected_body())
      ++block_.wrong_body;
    block_.bytes_received += reader.body_bytes();
    block_.latency.record(now - job.due);
    block_.service.record(now - sent);
  }

  void failed(const Job& job, bool is_timeout) override {
    const auto now = SteadyClock::now();
    backlog_->went(now);
    if (!job.is_counted) return;
    ++(is_timeout ? block_.timeouts : block_.socket_errors);
    block_.latency.record(now - job.due);
  }

  void again(const Job& job) override {
    queue_.push_front(job);
    queue_.front().is_repeated = true;
  }

  void is_idle(std::size_t client) override {
    free_.push_back(client);
    if (is_over_) return;
    if (!queue_.empty()) {
      const auto job = queue_.front();
      queue_.pop_front();
      return start(job);
    }
    if (is_all_sent_) return finish_if_done();
    if (!is_sending_ && due() <= SteadyClock::now()) {  // sooner than by the timer
      is_sending_ = true;
      send_due();
      is_sending_ = false;
    }
  }

  Address address_;
  const std::vector<WireRequest>& requests_;
  asio::io_context context_;
  asio::steady_timer due_timer_;
  asio::steady_timer sweep_timer_;
  std::deque<Client> clients_;
  std::vector<std::size_t> free_;  // the last one used first: what is idle stays idle
  std::deque<Job> queue_;
  std::optional<Schedule> schedule_;
  const Load* load_ = nullptr;
  const std::atomic<bool>* stop_ = nullptr;
  Block block_;
  std::optional<Backlog> backlog_;
  Nanoseconds quickest_{0};  // of all answers, from the moment they were sent
  TimePoint start_{};
  std::size_t next_request_ = 0;
  bool is_all_sent_ = false;
  bool is_over_ = false;
  bool is_sending_ = false;
  bool is_waiting_ = false;
};

WireRequest make_wire_request(const PlannedRequest& request, const std::string& host,
                              const std::vector<std::pair<std::string, std::string>>& fields) {
  WireRequest wire;
  wire.is_head = request.method == "HEAD";
  wire.is_repeatable = request.method != "POST" && request.method != "PATCH";
  wire.bytes = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + host + "\r\n";
  for (const auto* list : {&request.headers, &fields})
    for (const auto& [name, value] : *list) wire.bytes.append(name).append(": ").append(value).append("\r\n");
  const bool has_content =
      !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (has_content) wire.bytes += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  wire.bytes += "\r\n" + request.body;
  return wire;
}

Result<comparison::Answer> fetch(const Address& address, const WireRequest& request, Nanoseconds timeout) {
  asio::io_context context;
  Socket socket(context);
  error_code error;
  const auto failed = [&error] {
    return Error("command.no_answer", error == asio::error::would_block ? "no answer in time" : error.message());
  };
  socket.connect(address.endpoint, error);
  if (error) return failed();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timeval limit{seconds.count(), std::chrono::duration_cast<std::chrono::microseconds>(timeout - seconds).count()};
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  asio::write(socket, asio::buffer(request.bytes), error);
  if (error) return failed();
  comparison::Answer answer;
  std::optional<ResponseReader> reader(std::in_place, request.is_head, nullptr, &answer);
  std::string buffer;
  while (!reader->is_done()) {
    char piece[16 * 1024];
    const auto size = ::recv(socket.native_handle(), piece, sizeof piece, 0);
    if (size < 0) {
      error = error_code(errno, boost::system::system_category());
      return failed();
    }
    if (size == 0) {
      if (reader->got_some()) reader->put_eof(error);
      if (error || !reader->is_done()) return Error("command.no_answer", "the connection was closed before a whole answer");
      break;
    }
    buffer.append(piece, static_cast<std::size_t>(size));
    std::size_t used = 0;
    while (used < buffer.size() && !reader->is_done()) {
      used += reader->put(asio::buffer(buffer.data() + used, buffer.size() - used), error);
      if (error == boost::beast::http::error::need_more) break;
      if (error) return Error("command.no_answer", "the answer is no HTTP: " + error.message());
      if (reader->is_done() && answer.status >= 100 && answer.status < 200 && answer.status != 101) {
        answer = {};
        reader.emplace(request.is_head, nullptr, &answer);
      }
    }
    buffer.erase(0, used);
    error = {};
  }
  return answer;
}

Generator::Generator(Address address, const std::vector<WireRequest>& requests, std::size_t connections)
    : impl_(std::make_unique<Impl>(std::move(address), requests, connections)) {}
Generator::Generator(Generator&&) noexcept = default;
Generator::~Generator() = default;
Result<void> Generator::connect() { return impl_->connect(); }
Block Generator::run(const Load& load, const std::atomic<bool>& stop) { return impl_->run(load, stop); }

}  // namespace tandem::loadgen
