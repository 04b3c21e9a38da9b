// An open WebSocket on a connection: Beast's websocket::stream over the connection's own, with deadlines, pings and an
// orderly end around it. Thread: the loop's.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/loop.hpp"
#include "base/task.hpp"
#include "http/request.hpp"
#include "http/websocket.hpp"
#include "net/net_options.hpp"
#include "service/call.hpp"

namespace tandem::net {

// One read or write under way; destroys itself when it is done.
class IoOperation {
 public:
  virtual void done(boost::system::error_code error, std::size_t count) = 0;

 protected:
  ~IoOperation() = default;
};

// A connection's stream without its type, so that the WebSocket is compiled once for all of them. Operations end from the
// event loop, never within the call that began them.
class ByteStream {
 public:
  virtual void read_some(boost::asio::mutable_buffer buffer, IoOperation& operation) = 0;
  virtual void write_some(std::span<const boost::asio::const_buffer> buffers, IoOperation& operation) = 0;
  // Ends the operations under way with an error.
  virtual void close() = 0;

 protected:
  ~ByteStream() = default;
};

class WebSocketStream final : public http::WebSocket, TimerWheel::Timer {
 public:
  // `received`: what the client sent behind the handshake. `room`: memory for the parts of messages; both stay where they
  // are. There must be at least kRoom bytes of it.
  static constexpr std::size_t kRoom = 4096;
  WebSocketStream(ByteStream& bytes, service::Call& call, const NetOptions& options, std::string_view received,
                  std::span<char> room);
  ~WebSocketStream() override;

  // Answers the handshake with 101 and these field lines ("Name: value\r\n") beside its own. False: the client has gone.
  Task<bool> accept(const http::Request& request, std::string_view lines);
  // Runs the session to its end, then closes. Afterwards no operation is under way. The call is cancelled when the
  // connection is lost or the close is done, since a session need not be reading then.
  Task<void> run(http::WebSocketSession& session);
  // The server stops: closes with kServiceRestart.
  void begin_drain();

  // Bytes on the wire after the handshake.
  std::uint64_t bytes_received() const { return bytes_received_; }
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  // The connection ended under it, or was broken off: nothing can be read or written any more.
  bool connection_ended() const { return connection_ended_; }

  // --- http::WebSocket
  Task<std::optional<http::MessagePart>> read() override;
  Task<bool> write(http::MessagePart part) override;
  Task<void> close(std::uint16_t code, std::string_view text) override;
  const http::CloseReason& closed() const override { return end_; }
  std::string_view subprotocol() const override { return subprotocol_; }

 private:
  class Layer;
  struct Beast;
  struct Operation;
  struct Settling;
  template <class Handler>
  class LayerOperation;

  static constexpr Milliseconds kCloseWait{5000};  // for the client's close

  void start_close(std::uint16_t code, std::string_view text);
  void note_end(const boost::system::error_code& error);
  void on_transferred(bool is_read, const boost::system::error_code& error, std::size_t count);
  void operation_ended();
  void lose_connection();
  Task<void> until_settled();

  TimePoint ping_due() const;
  TimePoint patience_ends() const;
  void arm();
  void expired() override;

  ByteStream& bytes_;
  service::Call& call_;
  Loop& loop_;
  const NetOptions& options_;
  std::string_view received_;  // not yet read by Beast
  const std::span<char> room_;
  std::unique_ptr<Beast> beast_;
  std::string subprotocol_;

  bool open_ = false;
  bool closing_ = false;  // a close was sent by us, or will be
  bool ended_ = false;    // `end_` is known
  bool connection_ended_ = false;
  bool in_message_ = false;  // between the parts of one that is written
  bool pinging_ = false;
  bool settle_posted_ = false;
  http::CloseReason end_;
  http::CloseReason sent_;
  unsigned operations_ = 0;  // Beast's, under way
  std::coroutine_handle<> settling_;

  TimePoint armed_for_{};
  // Since when; zero: not at all.
  TimePoint last_received_{};
  TimePoint ping_sent_{};
  TimePoint reading_since_{};
  TimePoint writing_since_{};
  TimePoint closing_since_{};
  std::uint64_t bytes_received_ = 0;
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace tandem::net
