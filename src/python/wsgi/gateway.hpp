// The server's side of WSGI (PEP 3333): calls the application and sends what it answers. One for each synchronous executor;
// its memory serves one request after the other.
// Thread: the executor's, where nothing else is said.
#pragma once

#include <cstdint>
#include <optional>

#include "python/exchange.hpp"
#include "python/executor.hpp"
#include "python/gil.hpp"
#include "python/object.hpp"
#include "python/python_errors.hpp"
#include "python/response_frames.hpp"
#include "python/wsgi/head.hpp"

namespace tandem::python {
class SyncExecutor;
}

namespace tandem::python::wsgi {

// What all gateways share. Once, before the first is used; False with a Python exception set. `runtime` is the module
// _tandem_runtime; `multithread`, `multiprocess` as in PEP 3333.
bool load(const Gil& gil, PyObject* runtime, bool multithread, bool multiprocess);

class Gateway {
 public:
  explicit Gateway(SyncExecutor& executor) : executor_(executor) {}
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Serves one request up to its last frame. False, the request not ended, with `failure` filled or with a Python exception
  // set.
  bool serve(const Gil& gil, const ExchangePtr& exchange, const Endpoint& endpoint, Failure& failure);

  // What the application calls while it is served. False with a Python exception set.
  bool start_response(const Gil& gil, PyObject* status, PyObject* headers, PyObject* exc_info);
  bool write(const Gil& gil, PyObject* data);

 private:
  bool respond(const Gil& gil, PyObject* returned, Failure& failure);
  bool respond_in_pieces(const Gil& gil, PyObject* iterable, Failure& failure);
  bool send(const Gil& gil, PyObject* piece);
  // The whole answer; `pieces` is a list or tuple of bytes, or nullptr for an empty body.
  void send_whole(PyObject* pieces);
  bool is_long_enough(std::uint64_t total, Failure& failure) const;
  bool finish(Failure& failure);
  void close(const Gil& gil, PyObject* returned);

  void send_head();
  bool is_head_request() const;
  bool drops_body() const;  // the answer has none, whatever the application gives
  // Bytes that may still be sent.
  std::uint64_t room() const { return head_.content_length.value_or(kUnknownLength) - sent_; }
  void warn_of_surplus();
  void warn_of_hop_by_hop();
  void call_close(const Gil& gil, PyObject* returned);

  SyncExecutor& executor_;
  Exchange* exchange_ = nullptr;
  Head head_;
  bool head_sent_ = false;
  std::uint64_t sent_ = 0;            // body bytes
  std::optional<StreamedBody> body_;  // once the head is sent
};

}  // namespace tandem::python::wsgi
