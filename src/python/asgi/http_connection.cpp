#include "python/asgi/http_connection.hpp"

#include <algorithm>
#include <vector>

#include "http/method.hpp"
#include "http/response.hpp"
#include "python/asgi/connection.hpp"
#include "python/asgi/vocabulary.hpp"
#include "python/response_frames.hpp"
#include "python/stopwatch.hpp"

namespace tandem::python {
namespace {

// So long an application may go on sending to nobody before send() says so.
constexpr std::int64_t kPatienceNs = 1'000'000'000;

std::string_view view_of(PyObject* bytes) {
  return {PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))};
}

class HttpConnection final : public Connection {
 public:
  using Connection::Connection;

  Object send(const Gil& gil, PyObject* type, PyObject* message) override;
  Object poll(const Gil& gil, Want want) override;
  void on_touched(const Gil& gil) override;
  Object on_done(const Gil& gil, Object result) override;

  // For send_file(): the length of the body, unless the application has said one. False: nobody takes the body itself.
  bool announce(std::uint64_t length) {
    if (!length_) length_ = length;
    return !is_bodiless();
  }

 protected:
  // From its head on the client has all there will be of a response without a body.
  bool gone() const override { return Connection::gone() || bodiless_since_ns_ != 0; }

 private:
  Object receive_message(const Gil& gil);
  Object send_start(const Gil& gil, PyObject* message);
  Object send_body(const Gil& gil, PyObject* message);
  Object send_early_hint(const Gil& gil, PyObject* message);
  Object send_path(const Gil& gil, PyObject* message);

  // A response without a body, whatever the application sends (RFC 9110 §6.4.1).
  bool is_bodiless() const {
    return exchange().head.method == static_cast<std::uint8_t>(http::Method::head) || !http::may_have_body(status_);
  }
  void begin_streaming(const Gil& gil, std::uint64_t length);
  void answer_whole(const Gil& gil, std::string_view body);
  Object answer_bodiless(const Gil& gil, std::string_view body, bool more);
  // Sends of `unsent_` what there is credit for, and ends the response after the last of it.
  void push(const Gil& gil);
  void complete(const Gil& gil);
  // The application has ended before the body that nobody takes has.
  void end_bodiless(const Gil& gil, bool raised);

  int status_ = 0;  // 0: not started
  bool head_sent_ = false;
  bool ended_ = false;     // the application has given its last part
  bool complete_ = false;  // the front has it all
  bool body_taken_ = false;
  std::int64_t bodiless_since_ns_ = 0;  // 0: it has a body, or its head is not sent
  std::string lines_;
  std::optional<std::uint64_t> length_;
  std::uint64_t total_ = 0;
  std::vector<Object> unsent_;   // bytes that wait for credit
  std::size_t unsent_from_ = 0;  // in the first of them
};

// --- receive()

Object HttpConnection::poll(const Gil& gil, Want want) {
  if (want == Want::message) return receive_message(gil);
  if (gone() && !complete_) return raise_gone();
  return unsent_.empty() ? Object::borrow(Py_None) : Object();
}

Object HttpConnection::receive_message(const Gil&) {
  if (complete_ || gone()) return Object::steal(PyDict_Copy(words().disconnect));
  if (body_taken_) return {};
  auto piece = executor().inbox().take_piece(exchange());
  if (!piece) return {};
  executor().grant(exchange(), piece->size());
  body_taken_ = executor().inbox().is_body_taken(exchange());
  auto message = Object::steal(PyDict_Copy(words().empty_request));
  if (!message || piece->empty()) return message;
  const auto body = Object::steal(PyBytes_FromStringAndSize(piece->data(), static_cast<Py_ssize_t>(piece->size())));
  if (!body || PyDict_SetItem(message.get(), words().body, body.get()) != 0 ||
      PyDict_SetItem(message.get(), words().more_body, body_taken_ ? Py_False : Py_True) != 0)
    return {};
  return message;
}

// --- send()

Object HttpConnection::send(const Gil& gil, PyObject* type, PyObject* message) {
  if (complete_ || ended_)
    return raise(PyExc_RuntimeError, "Unexpected ASGI message '%U' sent, after response already completed.", type);
  if (gone() && bodiless_since_ns_ == 0) return raise_gone();
  if (status_ == 0) {
    if (is_type(type, words().response_start)) return send_start(gil, message);
    if (is_type(type, words().early_hint)) return send_early_hint(gil, message);
    return raise(PyExc_RuntimeError, "Expected ASGI message 'http.response.start', but got '%U'.", type);
  }
  if (is_type(type, words().response_body)) return send_body(gil, message);
  if (is_type(type, words().pathsend) && !head_sent_) return send_path(gil, message);
  return raise(PyExc_RuntimeError, "Expected ASGI message 'http.response.body', but got '%U'.", type);
}

Object HttpConnection::send_start(const Gil& gil, PyObject* message) {
  int status = 0;
  lines_.clear();
  length_.reset();
  if (!read_status(message, status) || !read_headers(message, lines_, length_)) return {};
  status_ = status;
  return done(gil);
}

Object HttpConnection::send_body(const Gil& gil, PyObject* message) {
  PyObject* const body = member(message, words().body);
  PyObject* const more_body = member(message, words().more_body);
  if (PyErr_Occurred() != nullptr) return {};
  const auto bytes = as_bytes(body != nullptr ? body : words().no_bytes, "a body");
  const int more = more_body != nullptr ? PyObject_IsTrue(more_body) : 0;
  if (!bytes || more < 0) return {};
  const auto text = view_of(bytes.get());
  if (is_bodiless()) return answer_bodiless(gil, text, more != 0);
  total_ += text.size();
  if (length_ && total_ > *length_) return raise(PyExc_RuntimeError, "Response content longer than Content-Length");
  if (more == 0 && length_ && total_ < *length_)
    return raise(PyExc_RuntimeError, "Response content shorter than Content-Length");
  if (more == 0 && !head_sent_ && text.size() <= frames::kMaxBodyFrame) {
    answer_whole(gil, text);
    return done(gil);
  }
  if (!head_sent_) begin_streaming(gil, length_.value_or(more != 0 ? kUnknownLength : text.size()));
  ended_ = more == 0;
  if (!text.empty()) unsent_.push_back(bytes);
  push(gil);
  return unsent_.empty() ? done(gil) : make_awaitable(gil, self(), *this, Want::room);
}

void HttpConnection::begin_streaming(const Gil& gil, std::uint64_t length) {
  head_sent_ = true;
  append_streamed_head(out(gil), exchange().id, status_, lines_, length);
}

void HttpConnection::answer_whole(const Gil& gil, std::string_view body) {
  auto& frames = out(gil);
  WholeResponse whole;
  whole.begin(frames);
  frames.append(lines_);
  whole.begin_body(frames);
  frames.append(body);
  whole.finish(frames, exchange().id, status_, executor().timing_of(exchange()));
  head_sent_ = ended_ = complete_ = true;
  executor().end(gil, exchange());
  readers_.wake(gil);
}

// Its length is still told. The front has no use for a body and takes itself for a client that has left, which the
// application is told at once. Most do not listen while they send: what is short enough may end in peace, one part a round
// of the loop, so that even an endless one holds nobody up; the others learn it from send(), or from the request's deadline.
Object HttpConnection::answer_bodiless(const Gil& gil, std::string_view body, bool more) {
  const auto now = now_ns();
  const bool is_first = bodiless_since_ns_ == 0;
  if (is_first) {
    bodiless_since_ns_ = now;
    begin_streaming(gil, length_.value_or(more ? kUnknownLength : body.size()));
    readers_.wake(gil);
  }
  if (!more) {
    ended_ = true;
    complete(gil);
    return done(gil);
  }
  if (is_first) return done(gil);
  return now - bodiless_since_ns_ < kPatienceNs ? pause(gil) : raise_gone();
}

void HttpConnection::push(const Gil& gil) {
  std::size_t first = 0;  // of those that are not sent whole
  while (first < unsent_.size()) {
    const auto rest = view_of(unsent_[first].get()).substr(unsent_from_);
    const auto wanted = std::min<std::size_t>(rest.size(), frames::kMaxBodyFrame);
    const auto granted = static_cast<std::size_t>(executor().inbox().take_credit(exchange(), wanted));
    if (granted == 0) break;
    frames::append_frame(out(gil), frames::Type::response_body, 0, exchange().id, rest.substr(0, granted));
    unsent_from_ += granted;
    if (granted < rest.size()) continue;
    unsent_from_ = 0;
    ++first;
  }
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(first));
  if (!unsent_.empty()) return;
  if (ended_) complete(gil);
  writers_.wake(gil);
}

void HttpConnection::complete(const Gil& gil) {
  complete_ = true;
  append_response_end(out(gil), exchange().id, executor().timing_of(exchange()));
  executor().end(gil, exchange());
  readers_.wake(gil);
}

void HttpConnection::end_bodiless(const Gil& gil, bool raised) {
  auto exception = raised ? take_exception(gil) : Object();
  complete(gil);
  if (raised) restore_exception(gil, std::move(exception));
}

Object HttpConnection::send_early_hint(const Gil& gil, PyObject* message) {
  PyObject* const links = member(message, words().links);
  if (links == nullptr) return PyErr_Occurred() != nullptr ? Object() : done(gil);
  const auto list = Object::steal(PySequence_Fast(links, "the links of an early hint are bytes"));
  if (!list) return {};
  std::string lines;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.get()); ++i) {
    const auto link = as_bytes(PySequence_Fast_GET_ITEM(list.get(), i), "a link");
    if (!link) return {};
    if (!http::is_field_value(view_of(link.get()))) return raise(PyExc_ValueError, "%R is no link", link.get());
    lines.append("Link: ").append(view_of(link.get())).append("\r\n");
  }
  frames::ResponseHead head;
  head.status = 103;  // RFC 8297
  head.fields_length = static_cast<std::uint32_t>(lines.size());
  head.content_length = 0;
  frames::append_frame(out(gil), frames::Type::informational, 0, exchange().id,
                       std::string(frames::bytes_of(head)).append(lines));
  return done(gil);
}

Object HttpConnection::send_path(const Gil&, PyObject* message) {
  PyObject* const path = member(message, words().path);
  if (path == nullptr)
    return PyErr_Occurred() != nullptr ? Object() : raise(PyExc_ValueError, "'http.response.pathsend' names no path");
  PyObject* arguments[] = {self(), path};
  return Object::steal(PyObject_Vectorcall(words().send_file, arguments, 2, nullptr));
}

// --- the rest

void HttpConnection::on_touched(const Gil& gil) {
  if (gone()) {
    unsent_.clear();
    readers_.wake(gil);
    writers_.wake(gil);
    if (exchange().out_of_time) cancel_task(gil);
    return;
  }
  if (!unsent_.empty()) push(gil);
  if (!readers_.empty() && !body_taken_ && executor().inbox().has_piece(exchange())) readers_.wake(gil);
}

Object HttpConnection::on_done(const Gil& gil, Object result) {
  if (bodiless_since_ns_ != 0 && !complete_) end_bodiless(gil, !result);
  if (result && ended_ && !complete_ && !gone())
    return make_awaitable(gil, self(), *this, Want::room);  // nobody awaited send()
  const bool answered = exchange().over;
  if (!result) {
    take_error(gil, !answered);
    return {};
  }
  if (result.get() != Py_None)
    log_error(std::string("ASGI callable should return None, but returned a ") + Py_TYPE(result.get())->tp_name);
  if (answered) return {};
  if (gone()) {
    fail_quietly(gil);
  } else {
    fail(gil, bad_response(status_ == 0 ? "ASGI callable returned without starting response."
                                        : "ASGI callable returned without completing response."));
  }
  return {};
}

PyTypeObject* http_connection_type = nullptr;

HttpConnection& http_connection(PyObject* self) { return static_cast<HttpConnection&>(connection_of(self)); }

PyObject* call_announce(PyObject* self, PyObject* length) {
  const auto number = PyLong_AsUnsignedLongLong(length);
  if (PyErr_Occurred() != nullptr) return nullptr;
  return PyBool_FromLong(http_connection(self).announce(number));
}

PyObject* call_send_part(PyObject* self, PyObject* message) {
  const CalledByPython gil;
  return http_connection(self).send(gil, words().response_body, message).release();
}

// What send_file() calls.
PyMethodDef methods[] = {
    {"announce", call_announce, METH_O, nullptr},
    {"send_part", call_send_part, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void start_http(const Gil& gil, AsyncExecutor& executor, const ExchangePtr& exchange) {
  auto* connection = make_connection<HttpConnection>(http_connection_type, executor, exchange);
  if (connection != nullptr) return connection->start(gil, executor.scopes().make_http(gil, *exchange));
  executor.append_failure(gil, *exchange, take_failure(gil, false));
  executor.end(gil, *exchange);
}

bool add_http_connection_type(const Gil& gil) {
  http_connection_type =
      make_connection_type(gil, "_tandem.HTTPConnection", sizeof(ConnectionObjectOf<HttpConnection>), methods);
  return http_connection_type != nullptr;
}

}  // namespace tandem::python
