#include "python/asgi/websocket_connection.hpp"

#include <algorithm>
#include <deque>

#include "base/ascii.hpp"
#include "python/asgi/connection.hpp"
#include "python/asgi/vocabulary.hpp"
#include "python/response_frames.hpp"

namespace tandem::python {
namespace {

// RFC 6455 §7.4.1.
constexpr std::uint16_t kNormalClosure = 1000;
constexpr std::uint16_t kAbnormalClosure = 1006;
constexpr std::uint16_t kInternalError = 1011;
constexpr std::size_t kMaxReason = 123;  // what a control frame holds beside the code

class WebSocketConnection final : public Connection {
 public:
  using Connection::Connection;

  Object send(const Gil& gil, PyObject* type, PyObject* message) override;
  Object poll(const Gil& gil, Want want) override;
  void on_touched(const Gil& gil) override;
  Object on_done(const Gil& gil, Object result) override;

 protected:
  bool gone() const override { return Connection::gone() || executor().inbox().closing(exchange()); }

 private:
  enum class State {
    connecting,
    refusing,  // the response that refuses the handshake has begun
    open,
    closing,  // the application has closed it, and messages wait for credit
    closed    // the front knows
  };
  struct Unsent {
    Object owner;  // bytes or str
    std::string_view rest;
    bool text;
  };

  Object receive_message(const Gil& gil);
  Object make_disconnect(const Gil& gil, std::uint16_t code, std::string_view reason) const;
  Object send_accept(const Gil& gil, PyObject* message);
  Object send_message(const Gil& gil, PyObject* message);
  Object send_close(const Gil& gil, PyObject* message);
  Object send_response_start(const Gil& gil, PyObject* message);
  Object send_response_body(const Gil& gil, PyObject* message);

  void refuse(const Gil& gil, int status, std::string_view lines, std::string_view body);
  void append_close(const Gil& gil, std::uint16_t code, std::string_view reason);
  void append_end(const Gil& gil);
  void push(const Gil& gil);

  State state_ = State::connecting;
  bool connect_given_ = false;
  std::deque<Unsent> unsent_;
  std::uint16_t code_ = kAbnormalClosure;  // what the application closed it with
  std::string reason_;
  // A refusal.
  int status_ = 0;
  std::string lines_, body_;
};

// --- receive()

Object WebSocketConnection::poll(const Gil& gil, Want want) {
  if (want == Want::message) return receive_message(gil);
  if (unsent_.empty()) return Object::borrow(Py_None);
  return gone() ? raise_gone() : Object();
}

Object WebSocketConnection::receive_message(const Gil& gil) {
  auto message = Object::steal(PyDict_New());
  if (!message) return {};
  if (!std::exchange(connect_given_, true))
    return PyDict_SetItem(message.get(), words().type, words().websocket_connect) == 0 ? message : Object();
  if (state_ == State::open) {
    if (const auto received = executor().inbox().take_message(exchange())) {
      executor().grant(exchange(), received->bytes.size() - received->granted);
      const auto size = static_cast<Py_ssize_t>(received->bytes.size());
      const auto content = Object::steal(received->text ? PyUnicode_DecodeUTF8(received->bytes.data(), size, "replace")
                                                        : PyBytes_FromStringAndSize(received->bytes.data(), size));
      if (!content || PyDict_SetItem(message.get(), words().type, words().websocket_receive) != 0 ||
          PyDict_SetItem(message.get(), received->text ? words().text : words().bytes, content.get()) != 0)
        return {};
      return message;
    }
  }
  if (state_ == State::closing || state_ == State::closed) return make_disconnect(gil, code_, reason_);
  if (const auto closing = executor().inbox().closing(exchange()))
    return make_disconnect(gil, closing->code, closing->reason);
  return gone() ? make_disconnect(gil, kAbnormalClosure, {}) : Object();
}

Object WebSocketConnection::make_disconnect(const Gil&, std::uint16_t code, std::string_view reason) const {
  auto message = Object::steal(PyDict_New());
  const auto number = Object::steal(PyLong_FromLong(code));
  const auto text = Object::steal(PyUnicode_DecodeUTF8(reason.data(), static_cast<Py_ssize_t>(reason.size()), "replace"));
  if (!message || !number || !text || PyDict_SetItem(message.get(), words().type, words().websocket_disconnect) != 0 ||
      PyDict_SetItem(message.get(), words().code, number.get()) != 0 ||
      PyDict_SetItem(message.get(), words().reason, text.get()) != 0)
    return {};
  return message;
}

// --- send()

Object WebSocketConnection::send(const Gil& gil, PyObject* type, PyObject* message) {
  switch (state_) {
    case State::connecting:
      if (gone()) return raise_gone();
      if (is_type(type, words().websocket_accept)) return send_accept(gil, message);
      if (is_type(type, words().websocket_close)) return send_close(gil, message);
      if (is_type(type, words().websocket_response_start)) return send_response_start(gil, message);
      return raise(PyExc_RuntimeError,
                   "Expected ASGI message 'websocket.accept', 'websocket.close' or 'websocket.http.response.start', but got "
                   "'%U'.",
                   type);
    case State::refusing:
      if (gone()) return raise_gone();
      if (is_type(type, words().websocket_response_body)) return send_response_body(gil, message);
      return raise(PyExc_RuntimeError, "Expected ASGI message 'websocket.http.response.body', but got '%U'.", type);
    case State::open:
      if (is_type(type, words().websocket_send)) return gone() ? raise_gone() : send_message(gil, message);
      if (is_type(type, words().websocket_close)) return gone() ? done(gil) : send_close(gil, message);
      return raise(PyExc_RuntimeError, "Expected ASGI message 'websocket.send' or 'websocket.close', but got '%U'.", type);
    default:
      return raise(PyExc_RuntimeError,
                   "Unexpected ASGI message '%U', after sending 'websocket.close' or response already completed.", type);
  }
}

Object WebSocketConnection::send_accept(const Gil& gil, PyObject* message) {
  std::string lines, checked;
  std::optional<std::uint64_t> ignored;
  if (!read_headers(message, lines, ignored)) return {};
  std::string_view rest = lines;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find("\r\n") + 2);
    rest.remove_prefix(line.size());
    const auto name = line.substr(0, line.find(':'));
    if (ascii::equal_ignoring_case(name.substr(0, 14), "sec-websocket-"))
      return raise(PyExc_RuntimeError,
                   "the server makes the Sec-WebSocket headers; 'websocket.accept' names a 'subprotocol'");
    if (!ascii::equal_ignoring_case(name, "connection") && !ascii::equal_ignoring_case(name, "upgrade"))
      checked.append(line);
  }
  PyObject* const subprotocol = member(message, words().subprotocol);
  if (subprotocol != nullptr) {
    const char* const text = PyUnicode_Check(subprotocol) ? PyUnicode_AsUTF8(subprotocol) : nullptr;
    if (text == nullptr || !ascii::is_token(text)) {
      PyErr_Clear();
      return raise(PyExc_ValueError, "%R is no subprotocol", subprotocol);
    }
    checked.append("Sec-WebSocket-Protocol: ").append(text).append("\r\n");
  }
  if (PyErr_Occurred() != nullptr) return {};
  append_streamed_head(out(gil), exchange().id, 101, checked, 0);
  state_ = State::open;
  readers_.wake(gil);
  return done(gil);
}

Object WebSocketConnection::send_message(const Gil& gil, PyObject* message) {
  PyObject* const bytes = member(message, words().bytes);
  PyObject* const text = member(message, words().text);
  if (PyErr_Occurred() != nullptr) return {};
  Unsent unsent;
  unsent.text = bytes == nullptr;
  if (bytes != nullptr) {
    unsent.owner = as_bytes(bytes, "a binary message");
    if (!unsent.owner) return {};
    unsent.rest = {PyBytes_AS_STRING(unsent.owner.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(unsent.owner.get()))};
  } else if (text != nullptr && PyUnicode_Check(text)) {
    Py_ssize_t size = 0;
    const char* const begin = PyUnicode_AsUTF8AndSize(text, &size);
    if (begin == nullptr) return {};
    unsent.owner = Object::borrow(text);
    unsent.rest = {begin, static_cast<std::size_t>(size)};
  } else {
    return raise(PyExc_TypeError, "'websocket.send' has 'bytes' or 'text'");
  }
  unsent_.push_back(std::move(unsent));
  push(gil);
  return unsent_.empty() ? done(gil) : make_awaitable(gil, self(), *this, Want::room);
}

Object WebSocketConnection::send_close(const Gil& gil, PyObject* message) {
  PyObject* const code = member(message, words().code);
  PyObject* const reason = member(message, words().reason);
  const long number = code == nullptr ? kNormalClosure : PyLong_Check(code) ? PyLong_AsLong(code) : -1;
  if (PyErr_Occurred() != nullptr) return {};
  if (number < 1000 || number > 4999)
    return raise(PyExc_ValueError, "the code of 'websocket.close' is a number from 1000 to 4999");
  if (reason != nullptr) {
    const char* const text = PyUnicode_Check(reason) ? PyUnicode_AsUTF8(reason) : nullptr;
    if (text == nullptr)
      return PyErr_Occurred() != nullptr ? Object() : raise(PyExc_TypeError, "the reason of 'websocket.close' is str");
    reason_ = text;
    if (reason_.size() > kMaxReason)
      return raise(PyExc_ValueError, "the reason of 'websocket.close' is longer than 123 bytes");
  }
  if (state_ == State::connecting) {
    refuse(gil, 403, {}, {});
    return done(gil);
  }
  code_ = static_cast<std::uint16_t>(number);
  state_ = State::closing;
  push(gil);
  readers_.wake(gil);
  return unsent_.empty() ? done(gil) : make_awaitable(gil, self(), *this, Want::room);
}

Object WebSocketConnection::send_response_start(const Gil& gil, PyObject* message) {
  std::optional<std::uint64_t> length;
  if (!read_status(message, status_) || !read_headers(message, lines_, length)) return {};
  state_ = State::refusing;
  return done(gil);
}

// The parts are gathered: a refusal is short.
Object WebSocketConnection::send_response_body(const Gil& gil, PyObject* message) {
  PyObject* const body = member(message, words().body);
  PyObject* const more_body = member(message, words().more_body);
  if (PyErr_Occurred() != nullptr) return {};
  const auto bytes = as_bytes(body != nullptr ? body : words().no_bytes, "a body");
  const int more = more_body != nullptr ? PyObject_IsTrue(more_body) : 0;
  if (!bytes || more < 0) return {};
  body_.append(PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get())));
  if (more != 0) return done(gil);
  refuse(gil, status_, lines_, body_);
  return done(gil);
}

// --- frames

void WebSocketConnection::refuse(const Gil& gil, int status, std::string_view lines, std::string_view body) {
  auto& frames = out(gil);
  WholeResponse whole;
  whole.begin(frames);
  frames.append(lines);
  whole.begin_body(frames);
  frames.append(body);
  whole.finish(frames, exchange().id, status, executor().timing_of(exchange()));
  executor().end(gil, exchange());
  state_ = State::closed;
  readers_.wake(gil);
}

void WebSocketConnection::append_close(const Gil& gil, std::uint16_t code, std::string_view reason) {
  frames::Close close;
  close.code = code;
  frames::append_frame(out(gil), frames::Type::worker_close, 0, exchange().id,
                       std::string(frames::bytes_of(close)).append(reason));
}

void WebSocketConnection::append_end(const Gil& gil) {
  append_response_end(out(gil), exchange().id, executor().timing_of(exchange()));
  executor().end(gil, exchange());
}

// Sends the messages for which there is credit, and closes after the last.
void WebSocketConnection::push(const Gil& gil) {
  while (!unsent_.empty()) {
    auto& unsent = unsent_.front();
    const auto wanted = std::min<std::size_t>(unsent.rest.size(), frames::kMaxBodyFrame);
    const auto granted = static_cast<std::size_t>(executor().inbox().take_credit(exchange(), wanted));
    if (granted == 0 && wanted > 0) return;
    const bool last = granted == unsent.rest.size();
    const auto flags = static_cast<std::uint8_t>((last ? frames::kEnd : 0) | (unsent.text ? frames::kText : 0));
    frames::append_frame(out(gil), frames::Type::worker_message, flags, exchange().id, unsent.rest.substr(0, granted));
    unsent.rest.remove_prefix(granted);
    if (last) unsent_.pop_front();
  }
  if (state_ == State::closing) {
    append_close(gil, code_, reason_);
    append_end(gil);
    state_ = State::closed;
  }
  writers_.wake(gil);
}

// --- the rest

void WebSocketConnection::on_touched(const Gil& gil) {
  if (gone()) {
    writers_.wake(gil);
    readers_.wake(gil);
    if (exchange().out_of_time) cancel_task(gil);
    return;
  }
  executor().grant(exchange(), executor().inbox().take_ungranted(exchange()));
  if (!unsent_.empty()) push(gil);
  if (!readers_.empty() && executor().inbox().has_message(exchange())) readers_.wake(gil);
}

Object WebSocketConnection::on_done(const Gil& gil, Object result) {
  if (result && !unsent_.empty() && !gone()) return make_awaitable(gil, self(), *this, Want::room);  // nobody awaited send()
  const bool answered = exchange().over;
  const bool open = !answered && !gone() && (state_ == State::open || state_ == State::closing);
  if (!result) {
    auto exception = take_exception(gil);
    if (open) append_close(gil, kInternalError, {});
    restore_exception(gil, std::move(exception));
    take_error(gil, !answered);
  } else if (open) {
    append_close(gil, kNormalClosure, {});
    append_end(gil);
  } else if (!answered && (state_ == State::open || gone())) {
    append_end(gil);
  } else if (!answered) {
    fail(gil, bad_response("ASGI callable returned without sending handshake."));
  }
  state_ = State::closed;
  return {};
}

PyTypeObject* websocket_connection_type = nullptr;
PyMethodDef no_methods[] = {{nullptr, nullptr, 0, nullptr}};

}  // namespace

void start_websocket(const Gil& gil, AsyncExecutor& executor, const ExchangePtr& exchange) {
  auto* connection = make_connection<WebSocketConnection>(websocket_connection_type, executor, exchange);
  if (connection != nullptr) return connection->start(gil, executor.scopes().make_websocket(gil, *exchange));
  executor.append_failure(gil, *exchange, take_failure(gil, false));
  executor.end(gil, *exchange);
}

bool add_websocket_connection_type(const Gil& gil) {
  websocket_connection_type =
      make_connection_type(gil, "_tandem.WebSocketConnection", sizeof(ConnectionObjectOf<WebSocketConnection>), no_methods);
  return websocket_connection_type != nullptr;
}

}  // namespace tandem::python
