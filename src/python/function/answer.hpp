// From what a function endpoint returned to frames: which kind of answer it is, its header lines, its bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/headers.hpp"
#include "python/exchange.hpp"
#include "python/gil.hpp"
#include "python/inbox.hpp"
#include "python/object.hpp"
#include "python/python_errors.hpp"
#include "python/response_frames.hpp"

namespace tandem::python {

// Header fields as endpoints write them: a mapping or pairs of str (Latin-1) or bytes.
struct Fields {
  http::ResponseHeaders lines;  // all but Content-Length
  std::optional<std::uint64_t> content_length;
  bool has_content_type = false;

  // False with `problem` said when something in it may not go on the wire.
  bool read(const Gil& gil, PyObject* headers, std::string& problem);
};

struct Answer {
  enum class Body { none, json, text, bytes, iterator, async_iterator };

  int status = 200;
  Fields fields;
  Body kind = Body::none;
  Object body;
  std::string_view content_type;  // to be added; empty: none, or one in `fields`

  bool streamed() const { return kind == Body::iterator || kind == Body::async_iterator; }

  // False with `failure` filled when it is no answer.
  bool read(const Gil& gil, PyObject* returned, Failure& failure);
};

// A body that is not streamed, in two steps so that the time of the first can be written in the second: encode() appends an
// unfinished response_head frame, finish() completes it and adds what does not fit into one.
class KnownAnswer {
 public:
  // False, with `out` as it was, when the body can't be encoded.
  bool encode(const Gil& gil, std::string& out, const Answer& answer, Failure& failure);
  void finish(std::string& out, std::uint64_t id, const Answer& answer, const frames::Timing& timing);

 private:
  WholeResponse response_;
};

// A streamed body: add() the pieces, send() as far as the front granted credit. The head goes out with the first piece, so
// that an endpoint that fails before it is still answered with an error.
class StreamWriter {
 public:
  StreamWriter(Inbox& inbox, Exchange& exchange, Answer answer)
      : exchange_(exchange), content_(inbox, exchange), answer_(std::move(answer)) {}

  PyObject* body() const { return answer_.body.get(); }

  // False with a Python exception set when the piece is none.
  bool add(const Gil& gil, PyObject* piece);
  // True when every piece has been written to `out`.
  bool send(std::string& out);
  // After the last piece was sent. False with a Python exception set when less came than the Content-Length said.
  bool end(const Gil& gil, std::string& out, const frames::Timing& timing);

  bool head_sent() const { return head_sent_; }

 private:
  void append_head(std::string& out);

  Exchange& exchange_;
  StreamedBody content_;
  Answer answer_;
  std::uint64_t total_ = 0;
  bool head_sent_ = false;
};

}  // namespace tandem::python
