// Message bodies as pull streams: whoever needs the next piece asks for it, so nothing is read or made ahead of need.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/task.hpp"

namespace tandem::http {

struct Problem;

// A request's body. Owned by the connection; read by at most one reader, on the connection's I/O thread. It may be read
// while the answer is being written: until the response's stream is destroyed.
class RequestBody {
 public:
  virtual ~RequestBody() = default;

  // Declared length; nullopt for chunked. 0 for a request without a body.
  virtual std::optional<std::uint64_t> content_length() const = 0;

  // Largest number of body bytes this request may carry; set before the first read. Returns false when the declared length
  // already exceeds it: the caller answers 413 and does not read.
  virtual bool limit(std::uint64_t max_bytes) = 0;

  // The whole body if it has arrived already (an absent body has), else nullopt. The view lives as long as the request.
  virtual std::optional<std::string_view> buffered() = 0;

  // Reads the whole body into memory. Errors: see read().
  virtual Task<Result<std::string_view>> read_all() = 0;

  // The next piece, empty at the end. The view lives until the next call. Errors have the codes of docs/errors.md:
  // http.body_too_large (413), http.body_timeout (408), http.bad_chunk (400), client.gone (no answer possible).
  virtual Task<Result<std::string_view>> read() = 0;

  // Nobody reads on: a read under way ends before this returns, with an error, as do later ones.
  virtual void abandon() = 0;
};

// A streamed response body, pulled by the connection once earlier pieces are in the socket.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;

  // Total length if known before the first piece; else the body is chunked (or ends with the connection in HTTP/1.0).
  virtual std::optional<std::uint64_t> content_length() const { return std::nullopt; }

  // The next piece, empty at the end; the view lives until the next call. An error aborts the connection, since the head
  // has been sent. Destroying the stream before its end means that the client is gone.
  virtual Task<Result<std::string_view>> read() = 0;
};

}  // namespace tandem::http
