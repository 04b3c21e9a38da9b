#include "net/websocket_stream.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cassert>
#include <exception>

#include "base/ascii.hpp"
#include "base/log.hpp"
#include "base/utf8.hpp"

namespace tandem::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ws = boost::beast::websocket;
using boost::system::error_code;

// What Beast calls a next layer: reads what the connection had received already, then from its stream.
class WebSocketStream::Layer {
 public:
  using executor_type = asio::io_context::executor_type;

  explicit Layer(WebSocketStream& owner) : owner_(owner) {}
  void close() { owner_.bytes_.close(); }
  executor_type get_executor() { return owner_.loop_.context().get_executor(); }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    auto& operation = *new LayerOperation<std::decay_t<Handler>>(owner_, true, std::forward<Handler>(handler));
    const auto first = first_buffer<asio::mutable_buffer>(buffers);
    if (owner_.received_.empty()) {
      owner_.reading_since_ = owner_.loop_.coarse_now();
      return owner_.bytes_.read_some(first, operation);
    }
    const auto count = asio::buffer_copy(first, asio::buffer(owner_.received_));
    owner_.received_.remove_prefix(count);
    owner_.loop_.post([&operation, count] { operation.done({}, count); });
  }

  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    std::array<asio::const_buffer, 8> parts;
    std::size_t count = 0;
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers) && count < parts.size();
         ++at)
      if (const asio::const_buffer part = *at; part.size() > 0) parts[count++] = part;
    auto& operation = *new LayerOperation<std::decay_t<Handler>>(owner_, false, std::forward<Handler>(handler));
    owner_.writing_since_ = owner_.loop_.coarse_now();
    owner_.arm();
    owner_.bytes_.write_some({parts.data(), count}, operation);
  }

  // The connection itself sees to the end of its stream (RFC 6455 §7.1.1).
  template <class Handler>
  friend void async_teardown(beast::role_type, Layer& layer, Handler&& handler) {
    asio::post(layer.get_executor(), beast::bind_handler(std::forward<Handler>(handler), error_code()));
  }
  friend void teardown(beast::role_type, Layer&, error_code&) {}
  friend void beast_close_socket(Layer& layer) { layer.close(); }

 private:
  template <class Buffer, class Buffers>
  static Buffer first_buffer(const Buffers& buffers) {
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at)
      if (const Buffer buffer = *at; buffer.size() > 0) return buffer;
    return {};
  }

  WebSocketStream& owner_;
};

template <class Handler>
class WebSocketStream::LayerOperation final : public IoOperation {
 public:
  LayerOperation(WebSocketStream& owner, bool is_read, Handler handler)
      : owner_(owner), is_read_(is_read), handler_(std::move(handler)) {}
  void done(error_code error, std::size_t count) override {
    owner_.on_transferred(is_read_, error, count);
    auto handler = std::move(handler_);
    delete this;
    handler(error, count);
  }

 private:
  WebSocketStream& owner_;
  const bool is_read_;
  Handler handler_;
};

struct WebSocketStream::Beast {
  explicit Beast(WebSocketStream& owner) : stream(owner) {}
  ws::stream<Layer> stream;
};

// One of Beast's operations, awaited. `start` begins it with a handler of its own.
struct WebSocketStream::Operation {
  explicit Operation(WebSocketStream& owner) : socket(owner) {}
  WebSocketStream& socket;
  error_code error;
  std::size_t count = 0;
  std::coroutine_handle<> awaiter;

  auto handler() {
    ++socket.operations_;
    return [this](error_code result, std::size_t transferred = 0) {
      error = result;
      count = transferred;
      socket.operation_ended();
      awaiter.resume();
    };
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept { awaiter = handle; }
  void await_resume() const noexcept {}
};

WebSocketStream::WebSocketStream(ByteStream& bytes, service::Call& call, const NetOptions& options,
                                 std::string_view received, std::span<char> room)
    : bytes_(bytes),
      call_(call),
      loop_(call.loop),
      options_(options),
      received_(received),
      room_(room),
      beast_(std::make_unique<Beast>(*this)) {
  auto& stream = beast_->stream;
  ws::stream_base::timeout none;
  none.handshake_timeout = none.idle_timeout = ws::stream_base::none();
  none.keep_alive_pings = false;
  stream.set_option(none);
  stream.read_message_max(options.websocket.max_message);
  stream.auto_fragment(false);
  ws::permessage_deflate deflate;
  deflate.server_enable = options.websocket.compression;
  deflate.server_max_window_bits = 12;  // with this and memLevel 4 a connection's compressor takes about 40 KiB
  deflate.compLevel = 6;
  stream.set_option(deflate);
}

WebSocketStream::~WebSocketStream() { assert(operations_ == 0); }

// ---------------------------------------------------------------------------------------------------------- the handshake

Task<bool> WebSocketStream::accept(const http::Request& request, std::string_view lines) {
  beast::http::request<beast::http::empty_body> handshake;
  handshake.method(beast::http::verb::get);
  handshake.version(11);
  for (const auto& field : request.headers) {
    const bool concerns_us = field.id == http::Field::host || field.id == http::Field::connection ||
                             field.id == http::Field::upgrade ||
                             ascii::equal_ignoring_case(field.name.substr(0, 14), "sec-websocket-");
    if (concerns_us) handshake.insert({field.name.data(), field.name.size()}, {field.value.data(), field.value.size()});
  }
  beast_->stream.set_option(ws::stream_base::decorator([this, lines](ws::response_type& response) {
    http::ResponseHeaders fields;
    fields.append_wire(lines);
    fields.for_each([&](std::string_view name, std::string_view value) {
      if (ascii::equal_ignoring_case(name, "sec-websocket-protocol")) subprotocol_ = value;
      response.insert({name.data(), name.size()}, {value.data(), value.size()});
    });
  }));
  Operation answered(*this);
  beast_->stream.async_accept(handshake, answered.handler());
  co_await answered;
  beast_->stream.set_option(ws::stream_base::decorator([](ws::response_type&) {}));
  open_ = !answered.error;
  bytes_received_ = bytes_sent_ = 0;
  last_received_ = loop_.coarse_now();
  if (open_)
    arm();
  else
    note_end(answered.error);
  co_return open_;
}

// -------------------------------------------------------------------------------------------------------------- messages

Task<std::optional<http::MessagePart>> WebSocketStream::read() {
  auto& stream = beast_->stream;
  while (!ended_) {
    Operation part_read(*this);
    stream.async_read_some(asio::buffer(room_.data(), room_.size()), part_read.handler());
    co_await part_read;
    if (part_read.error) {
      note_end(part_read.error);
      break;
    }
    http::MessagePart part;
    part.bytes = {room_.data(), part_read.count};
    part.text = stream.got_text();
    part.last = stream.is_message_done();
    if (!part.bytes.empty() || part.last) co_return part;
  }
  co_return std::nullopt;
}

Task<bool> WebSocketStream::write(http::MessagePart part) {
  if (ended_ || closing_) co_return false;
  auto& stream = beast_->stream;
  if (!in_message_) stream.text(part.text);
  in_message_ = !part.last;
  Operation written(*this);
  stream.async_write_some(part.last, asio::buffer(part.bytes.data(), part.bytes.size()), written.handler());
  co_await written;
  co_return !written.error;
}

// ------------------------------------------------------------------------------------------------------------- the end

Task<void> WebSocketStream::close(std::uint16_t code, std::string_view text) {
  start_close(code, text);
  return until_settled();
}

void WebSocketStream::start_close(std::uint16_t code, std::string_view text) {
  if (ended_ || closing_) return;
  closing_ = true;
  closing_since_ = loop_.coarse_now();
  sent_.code =
      code == http::close_code::kNone || http::close_code::may_be_sent(code) ? code : http::close_code::kInternalError;
  static constexpr std::size_t kMaxText = 123;  // RFC 6455 §5.5
  text = utf8_prefix(text, kMaxText);
  if (sent_.code != http::close_code::kNone) sent_.text = text;
  ws::close_reason reason;
  reason.code = sent_.code == http::close_code::kNone ? ws::close_code::none : static_cast<ws::close_code>(sent_.code);
  reason.reason.assign(sent_.text.data(), sent_.text.size());
  ++operations_;
  beast_->stream.async_close(reason, [this](error_code error) {
    if (!error && !ended_) {
      ended_ = true;
      end_ = sent_;
    }
    call_.cancel();
    operation_ended();
  });
  arm();
}

void WebSocketStream::begin_drain() {
  if (open_) start_close(http::close_code::kServiceRestart, "the service restarts");
}

void WebSocketStream::note_end(const error_code& error) {
  if (std::exchange(ended_, true)) return;
  if (error == ws::error::closed) {
    const auto& reason = beast_->stream.reason();
    end_.code = reason.code == ws::close_code::none ? http::close_code::kNone : static_cast<std::uint16_t>(reason.code);
    end_.text.assign(reason.reason.data(), reason.reason.size());
  } else if (error == ws::error::message_too_big) {
    end_.code = http::close_code::kTooBig;
  } else if (error == ws::error::bad_frame_payload) {
    end_.code = http::close_code::kBadPayload;
  } else if (error == ws::condition::protocol_violation) {
    end_.code = http::close_code::kProtocolError;
  } else {
    end_.code = http::close_code::kLost;
  }
}

Task<void> WebSocketStream::run(http::WebSocketSession& session) {
  std::string failure;
  try {
    auto running = session.run(*this);
    co_await running;
  } catch (const std::exception& error) {
    failure = error.what();
  }
  if (!failure.empty()) log().error("[{}] a WebSocket's endpoint failed: {}", call_.id(), failure);
  start_close(failure.empty() ? http::close_code::kNormal : http::close_code::kInternalError, {});
  auto settled = until_settled();
  co_await settled;
}

struct WebSocketStream::Settling {
  WebSocketStream& socket;
  bool await_ready() const noexcept { return socket.operations_ == 0; }
  void await_suspend(std::coroutine_handle<> awaiter) noexcept { socket.settling_ = awaiter; }
  void await_resume() const noexcept {}
};

// Until no operation is under way. All end with the WebSocket: the deadlines see to it that it does.
Task<void> WebSocketStream::until_settled() {
  while (operations_ > 0) co_await Settling{*this};
}

// The waiting coroutine goes on later: it may destroy the one that this operation is about to resume.
void WebSocketStream::operation_ended() {
  if (--operations_ > 0 || !settling_ || std::exchange(settle_posted_, true)) return;
  loop_.post([this] {
    settle_posted_ = false;
    if (operations_ == 0) std::exchange(settling_, {}).resume();
  });
}

// --------------------------------------------------------------------------------------------------- deadlines and pings

void WebSocketStream::on_transferred(bool is_read, const error_code& error, std::size_t count) {
  if (is_read) {
    reading_since_ = {};
    bytes_received_ += count;
    if (count > 0) last_received_ = loop_.coarse_now();
  } else {
    writing_since_ = {};
    bytes_sent_ += count;
  }
  if (error && error != asio::error::operation_aborted) lose_connection();
}

void WebSocketStream::lose_connection() {
  connection_ended_ = true;
  call_.cancel();
}

// When silence calls for a ping; max: not at all.
TimePoint WebSocketStream::ping_due() const {
  const auto interval = options_.websocket.ping_interval;
  if (!open_ || closing_ || interval == Milliseconds(0) || ping_sent_ > last_received_) return TimePoint::max();
  return last_received_ + interval;
}

// When the connection is to be broken off: the client takes nothing, does not close, or does not answer a ping.
TimePoint WebSocketStream::patience_ends() const {
  auto end = TimePoint::max();
  if (writing_since_ != TimePoint{}) end = writing_since_ + options_.limits.write_timeout;
  if (closing_since_ != TimePoint{}) end = std::min(end, closing_since_ + kCloseWait);
  if (open_ && ping_sent_ > last_received_) {
    // A pong can be seen only while somebody reads.
    const auto since = reading_since_ == TimePoint{} ? loop_.coarse_now() : std::max(ping_sent_, reading_since_);
    end = std::min(end, since + options_.websocket.ping_timeout);
  }
  return end;
}

void WebSocketStream::arm() {
  const auto next = std::min(ping_due(), patience_ends());
  if (next == TimePoint::max() || (armed() && armed_for_ <= next)) return;
  armed_for_ = next;
  loop_.wheel().arm(*this, next);
}

void WebSocketStream::expired() {
  const auto now = loop_.coarse_now();
  if (now >= patience_ends()) {
    lose_connection();
    return bytes_.close();
  }
  if (now >= ping_due()) {
    ping_sent_ = now;
    if (!std::exchange(pinging_, true)) {
      ++operations_;
      beast_->stream.async_ping({}, [this](error_code) {
        pinging_ = false;
        operation_ended();
      });
    }
  }
  arm();
}

}  // namespace tandem::net
