// One client's connection: reads requests, asks the Handler, writes answers in order, one write for all that were ready
// together. The stream (TCP, Unix, an in-memory one in tests) is a parameter: Asio's AsyncReadStream and AsyncWriteStream
// with cancel() and close(), and write_some() where trying at once makes sense. Thread: the loop's, for everything.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/loop.hpp"
#include "base/task.hpp"
#include "http/problem.hpp"
#include "http/request.hpp"
#include "net/chunked_decoder.hpp"
#include "net/net_options.hpp"
#include "net/request_parser.hpp"
#include "net/websocket_stream.hpp"
#include "net/write_response.hpp"
#include "service/handler.hpp"
#include "service/observer.hpp"

namespace tandem::net {

class ConnectionBase;

// Passes interim responses on to the connection.
class InterimSender final : public service::InterimResponses {
 public:
  ConnectionBase* connection = nullptr;
  void send(int status, std::string_view lines) override;
};

// Of a write that the client does not take; what is waited for to be read has the connection's own timer.
class WriteDeadline final : public TimerWheel::Timer {
 public:
  ConnectionBase* connection = nullptr;

 private:
  void expired() override;
};

// What a busy connection works with; an idle one has none.
struct Exchange {
  explicit Exchange(const NetOptions& options) : parser(options) {}
  http::Request request;
  std::optional<service::Call> call;
  std::optional<service::Outcome> outcome;
  RequestParser parser;
  std::optional<ChunkedDecoder> decoder;
  std::string body_text;  // of a body that is not in the read buffer as it stands
  std::string out;        // answers that wait for the next write
  std::string interim;    // interim responses that are being written
  std::coroutine_handle<> interim_waiter;
  WebSocketStream* websocket = nullptr;  // while it is one
  WriteDeadline write_deadline;
  InterimSender interim_sender;
};

// Shared by the connections of one loop and one listener set.
struct ConnectionContext {
  ConnectionContext(Loop& event_loop, const NetOptions& net_options, const service::Handler& root_handler)
      : loop(event_loop), options(net_options), root(&root_handler) {}

  Loop& loop;
  NetOptions options;  // may change between any two events of the loop
  const service::Handler* root;
  const service::Observer* observer = nullptr;
  bool server_timing = false;
  bool debug = false;
  bool draining = false;                         // answers carry Connection: close
  std::vector<std::unique_ptr<Exchange>> spare;  // kept for the next busy connection
};

// Where a client speaks from and how to reach its connection: the part of a Connection that does not know its stream.
class ConnectionBase {
 public:
  virtual ~ConnectionBase() = default;

  // The server stops: an idle connection is closed after a short time in which a request under way may still arrive, a busy
  // one after its answer.
  virtual void begin_drain() = 0;
  // Requests are answered from another route table from now on: a WebSocket that began with the one before is closed as when
  // the server stops (1012), so that its client comes again. Everything else ends by itself.
  virtual void begin_change(const void* table) = 0;
  // Ends it now.
  virtual void abort() = 0;
  // The client takes nothing.
  virtual void write_timed_out() = 0;
  // Before the answer's head: this text. What the socket does not take at once follows when it does.
  virtual void send_interim(std::string_view text) = 0;

  ConnectionBase* previous = nullptr;
  ConnectionBase* next = nullptr;
};

template <class Stream>
class Connection final : public ConnectionBase, TimerWheel::Timer, http::RequestBody {
 public:
  Connection(Stream& stream, ConnectionContext& context, service::Peer peer)
      : stream_(stream), context_(context), peer_(std::move(peer)) {}

  // Serves the client until it or the server ends the connection.
  Task<void> run();

  void begin_drain() override;
  void begin_change(const void* table) override;
  void abort() override;
  void write_timed_out() override;
  void send_interim(std::string_view text) override;

 private:
  enum class Phase : std::uint8_t { none, idle, header, body, linger, half_closed };

  static constexpr std::size_t kSmallBuffer = 384;
  static constexpr std::size_t kLargeBuffer = 16 * 1024;
  static constexpr std::size_t kBodyBuffer = 64 * 1024;
  static constexpr std::size_t kOutputBatch = 64 * 1024;  // answers gathered before one write
  static constexpr Milliseconds kHalfCloseGrace{1000};    // docs/decisions/0004-half-closed-clients.md
  static constexpr Milliseconds kShrinkAfter{2000};
  static constexpr Milliseconds kDrainIdle{500};
  static constexpr Milliseconds kLinger{2000};

  // --- http::RequestBody
  std::optional<std::uint64_t> content_length() const override;
  bool limit(std::uint64_t max_bytes) override;
  std::optional<std::string_view> buffered() override;
  Task<Result<std::string_view>> read() override;
  Task<Result<std::string_view>> read_all() override;
  void abandon() override;

  // --- reading: at most one read is under way, into the free end of the buffer
  struct ReadAwaiter {
    Connection& connection;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiter) {
      connection.reader_ = awaiter;
      if (!connection.reading_) connection.start_read();
    }
    void await_resume() const noexcept {}
  };
  void start_read();
  void watch();
  void on_read(const boost::system::error_code& error, std::size_t count);
  std::size_t unread() const { return end_ - begin_; }
  std::string_view unread_bytes() const { return {buffer_data() + begin_, end_ - begin_}; }
  char* buffer_data() { return large_ ? large_.get() : small_; }
  const char* buffer_data() const { return large_ ? large_.get() : small_; }
  std::size_t capacity() const { return large_ ? large_capacity_ : kSmallBuffer; }
  void use_buffer(std::size_t wanted);
  void make_room();

  Task<void> settle_reads();

  // --- writing
  struct WriteAwaiter {
    WriteAwaiter(Connection& owner, std::string_view first, std::string_view second)
        : connection(owner), buffers{boost::asio::buffer(first), boost::asio::buffer(second)} {}
    Connection& connection;
    std::array<boost::asio::const_buffer, 2> buffers;
    boost::system::error_code error;
    std::size_t count = 0;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiter) {
      connection.stream_.async_write_some(buffers, [this, awaiter](boost::system::error_code result, std::size_t taken) {
        error = result;
        count = taken;
        awaiter.resume();
      });
    }
    void await_resume() const noexcept {}
  };
  // Writes what the socket takes at once of the gathered answers and then `tail`; true when nothing is left or the socket
  // is broken. `tail` is advanced.
  bool try_write(std::string_view& tail);
  Task<void> write(std::string_view tail);
  void written(std::size_t count, std::string_view& tail);

  // The stream as the WebSocket takes it.
  struct Bytes final : ByteStream {
    explicit Bytes(Stream& of_connection) : stream(of_connection) {}
    Stream& stream;
    void read_some(boost::asio::mutable_buffer buffer, IoOperation& operation) override {
      stream.async_read_some(
          buffer, [&operation](boost::system::error_code error, std::size_t count) { operation.done(error, count); });
    }
    void write_some(std::span<const boost::asio::const_buffer> buffers, IoOperation& operation) override {
      stream.async_write_some(
          buffers, [&operation](boost::system::error_code error, std::size_t count) { operation.done(error, count); });
    }
    void close() override;
  };

  // --- interim responses: sent beside the coroutines, before the answer
  struct InterimAwaiter {
    Connection& connection;
    bool await_ready() const noexcept { return connection.exchange_->interim.empty(); }
    void await_suspend(std::coroutine_handle<> awaiter) { connection.exchange_->interim_waiter = awaiter; }
    void await_resume() const noexcept {}
  };
  void write_interim();

  // --- one exchange
  void acquire_exchange();
  void release_exchange();
  bool begin_body();
  void fail_body(Error error);
  enum class Taken : std::uint8_t { piece, nothing, end, failed };
  Taken take_piece(std::string_view& piece);
  Task<void> wait_for_body();
  void body_taken();
  bool skip_body();
  Task<void> await_outcome();
  Task<void> serve_websocket(http::Response& response);
  Task<void> write_stream(http::Response& response, const ResponseFraming& framing);
  void note_end(int status, std::uint64_t body_bytes, Nanoseconds total, Nanoseconds write_time, Nanoseconds upgrade = {});
  Task<void> refuse_request(int status, std::string_view code, std::string_view detail);
  Task<void> linger();

  // --- deadlines
  void arm_write_deadline();
  void set_phase(Phase phase, Nanoseconds timeout);
  void expired() override;

  Stream& stream_;
  ConnectionContext& context_;
  service::Peer peer_;
  std::unique_ptr<Exchange> exchange_;

  char small_[kSmallBuffer];
  std::unique_ptr<char[]> large_;
  std::size_t large_capacity_ = 0;
  std::size_t begin_ = 0;     // of unread bytes
  std::size_t end_ = 0;       // of received bytes
  std::size_t head_end_ = 0;  // of the request head that is being served: bytes before it stay where they are

  std::coroutine_handle<> reader_;
  TimePoint deadline_{};
  TimePoint armed_for_{};
  std::uint64_t body_limit_ = 0;
  std::uint64_t body_remaining_ = 0;  // of a body with Content-Length
  std::uint64_t body_received_ = 0;
  Phase phase_ = Phase::none;
  bool reading_ = false;
  bool serving_ = false;      // a handler is being waited for
  bool peer_closed_ = false;  // the client has sent its last byte
  bool broken_ = false;       // the socket is of no more use
  bool timed_out_ = false;
  bool shrink_ = false;
  bool closing_ = false;           // no request after this one
  bool body_end_ = true;           // the request's body has been taken from the buffer to its end
  bool body_gathered_ = false;     // body_view_ is the whole body
  bool text_undelivered_ = false;  // body_view_ or exchange_->body_text holds bytes that read() has not handed out
  bool body_abandoned_ = false;    // nobody will read the rest of it
  bool owes_continue_ = false;
  bool wrote_since_check_ = false;
  std::string_view body_view_;
  std::optional<Error> body_error_;
};

}  // namespace tandem::net

#include "net/connection.ipp"
