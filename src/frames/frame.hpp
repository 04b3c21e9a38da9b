// The messages between the front and a worker: pure values, no I/O. docs/worker-protocol.md is their specification.
//
// Two kinds of Unix stream socket lead to a worker. One *control* socket (supervisor side: hello, ready, log, ping, cancel,
// drain) and several *lanes*: one per I/O thread of the front and executor of the worker, carrying requests and answers
// only. An executor is one thread of the worker: a synchronous one that runs one request at a time in the order they came,
// or the asynchronous one that runs many.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::frames {

inline constexpr std::uint32_t kProtocolVersion = 1;

enum class Type : std::uint8_t {
  // lane, front → worker
  request_head = 1,  // RequestHead + strings + first body bytes
  request_body = 2,  // body bytes
  credit = 3,        // u32: the worker may send so many more body or message bytes
  message = 4,       // WebSocket: bytes of a message, kEnd on its last
  close = 5,         // Close: the client's WebSocket is closed or lost
  // lane, worker → front
  response_head = 16,   // ResponseHead + header lines + first body bytes
  response_body = 17,   // body bytes
  response_end = 18,    // Timing: ends a response whose head had no kEnd
  error = 19,           // ErrorHead + strings: ends a request that produced no (complete) response
  request_credit = 20,  // u32: the front may send so many more body or message bytes
  worker_message = 21,  // WebSocket: bytes of a message, kEnd on its last
  worker_close = 22,    // Close: the endpoint closes the WebSocket
  informational = 23,   // ResponseHead + header lines of an interim response (1xx)
  // control, front → worker
  hello = 32,   // JSON: what to load and how to run
  cancel = 33,  // id, CancelReason: give up this request
  revoke = 34,  // id: give this request back if it has not been started
  ping = 35,    // echoed as pong
  drain = 36,   // finish what runs, then exit with 0
  stacks = 37,  // say what every thread and task is doing
  // control, worker → front
  starting = 48,      // text: the start-up step that begins now
  ready = 49,         // JSON: pid, python, executors, endpoints
  failed = 50,        // JSON: step, message, traceback; the worker exits afterwards
  log = 51,           // LogHead + strings
  pong = 52,          // Pong
  revoked = 53,       // id: was not started and will not be
  stacks_reply = 54,  // text; id of the question
};

// Flags of a frame.
inline constexpr std::uint8_t kEnd = 1;       // no more body of this direction follows
inline constexpr std::uint8_t kStreamed = 2;  // response_head: body frames obey credit and are passed on as they come;
                                              // without it the front gathers the whole body first
inline constexpr std::uint8_t kText = 4;      // message, worker_message: text rather than binary

// Flow control: body bytes that may be under way per request and direction before the receiver has granted more.
inline constexpr std::uint32_t kInitialCredit = 256 * 1024;
// Senders cut bodies into frames of at most this size.
inline constexpr std::uint32_t kMaxBodyFrame = 64 * 1024;
// Larger frames are a protocol error.
inline constexpr std::uint32_t kMaxFrame = 16 * 1024 * 1024;

// All integers little-endian, as on every platform that this server runs on. Payload follows the header.
struct Header {
  std::uint32_t length = 0;  // payload bytes
  Type type{};
  std::uint8_t flags = 0;
  std::uint16_t reserved = 0;
  std::uint64_t id = 0;  // request id, unique for the life of the pool; 0 on frames about no request
};
static_assert(sizeof(Header) == 16);

// Where a string lies in the strings area of its frame.
struct Ref {
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
};

// Payload of request_head: RequestHead, param_count × Param, field_count × FieldRef, strings_length bytes of strings, then
// the first bytes of the body (the rest of the payload). kEnd: that was all of it.
struct RequestHead {
  std::uint16_t endpoint = 0;  // index into the hello's endpoints
  std::uint16_t field_count = 0;
  std::uint8_t param_count = 0;
  std::uint8_t version = 11;     // 10, 11, 20
  std::uint8_t method = 0;       // http::Method's number
  std::uint8_t flags = 0;        // kShadow, kWebSocket
  std::uint32_t timeout_ms = 0;  // what is left until the deadline; 0: none
  std::uint32_t strings_length = 0;
  std::uint64_t content_length = 0;  // UINT64_MAX: unknown (chunked)
  Ref method_text, target, path /* percent-decoded */, raw_path, query, scheme, authority, client, request_id, route, arm,
      root_path /* what an application is mounted under: `path` begins with it */, server;
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;
  std::uint16_t reserved[2] = {};
};
inline constexpr std::uint8_t kShadow = 1;
inline constexpr std::uint8_t kMeasureCpu = 4;  // its CPU time is wanted also where measuring it costs more
inline constexpr std::uint8_t kWebSocket = 2;   // a WebSocket handshake (RFC 6455 §4.2.1), answered with 101 or refused
static_assert(sizeof(RequestHead) == 24 + 13 * 8 + 8);

struct Param {
  Ref name, value;
};
struct FieldRef {
  std::uint32_t known = 0;  // http::Field's number
  Ref name, value;
};

// What a request cost the worker, in nanoseconds.
struct Timing {
  std::uint64_t handler_ns = 0;  // wall time from the handler's start to its end
  std::uint64_t cpu_ns = 0;      // CPU time of the executor's thread in it; coroutines: 0 without kMeasureCpu
  std::uint64_t gil_ns = 0;      // waited for the interpreter before it
};

// Payload of response_head: ResponseHead, fields_length bytes of checked "Name: value\r\n" lines, body bytes.
struct ResponseHead {
  std::uint16_t status = 200;
  std::uint16_t reserved = 0;
  std::uint32_t fields_length = 0;
  std::uint64_t content_length = 0;  // UINT64_MAX: unknown (chunked)
  Timing timing;                     // valid with kEnd
};
static_assert(sizeof(ResponseHead) == 40);

// Payload of error: ErrorHead then the strings. Not to be answered when it comes after a response_head: the connection
// breaks.
struct ErrorHead {
  std::uint16_t status = 500;
  std::uint16_t reserved[3] = {};
  Timing timing;
  Ref code, detail, traceback, headers;  // "python.exception", …; headers: checked lines to add to the answer
};

// Payload of close and worker_close, then the reason in UTF-8 (RFC 6455 §5.5.1, §7.4).
struct Close {
  std::uint16_t code = 1000;  // 1005: none was sent; 1006: the connection was lost
  std::uint16_t reserved[3] = {};
};

// Payload of cancel: why nobody wants the answer any more.
enum class CancelReason : std::uint8_t { out_of_time = 0, client_gone = 1 };

struct LogHead {
  std::uint8_t level = 2;  // spdlog's: 0 trace … 5 critical
  std::uint8_t reserved[7] = {};
  Ref logger, message, request_id;
};

struct Pong {
  std::uint64_t gil_wait_ns = 0;  // how long the answering thread waited for the interpreter
  std::uint64_t rss_bytes = 0;
};

// Reads frames out of a growing buffer of received bytes.
class Reader {
 public:
  // A frame's header and payload; the view lives until the next bytes() or compact().
  struct Frame {
    Header header;
    std::string_view payload;
  };
  enum class Status { frame, need_more, malformed };

  // Free room of at least `min_bytes` at the end; commit() what was received into it.
  char* prepare(std::size_t min_bytes);
  std::size_t room() const { return buffer_.size() - end_; }
  void commit(std::size_t received) { end_ += received; }

  Status next(Frame& frame);
  // True when every committed byte has been handed out.
  bool empty() const { return begin_ == end_; }

 private:
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Appends a header with payload.
void append_frame(std::string& out, Type type, std::uint8_t flags, std::uint64_t id, std::string_view payload);
void append_u32(std::string& out, Type type, std::uint64_t id, std::uint32_t value);

// The bytes of a fixed-size payload part.
template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}
// Copies a T off the front of `payload`; false when it is too short.
template <class T>
bool take(std::string_view& payload, T& value) {
  if (payload.size() < sizeof(T)) return false;
  std::memcpy(&value, payload.data(), sizeof(T));
  payload.remove_prefix(sizeof(T));
  return true;
}
// The string at `ref`; empty when it lies outside.
inline std::string_view at(std::string_view strings, Ref ref) {
  if (ref.offset > strings.size() || ref.length > strings.size() - ref.offset) return {};
  return strings.substr(ref.offset, ref.length);
}

// Builds a payload part's strings area, handing out Refs.
class Strings {
 public:
  explicit Strings(std::string& out) : out_(out), start_(out.size()) {}
  Ref add(std::string_view text) {
    Ref ref;
    ref.offset = static_cast<std::uint32_t>(out_.size() - start_);
    ref.length = static_cast<std::uint32_t>(text.size());
    out_.append(text);
    return ref;
  }
  std::uint32_t length() const { return static_cast<std::uint32_t>(out_.size() - start_); }

 private:
  std::string& out_;
  std::size_t start_;
};

}  // namespace tandem::frames
