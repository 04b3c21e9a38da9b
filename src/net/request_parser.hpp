// One request head: Beast's parser with a sink of our own that keeps views into the caller's buffer, and around it the rules
// of RFC 9112 that Beast lets pass. Bodies are framed by body_reader, from what this finds out.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/problem.hpp"
#include "http/request.hpp"
#include "net/net_options.hpp"

namespace tandem::net {

struct Framing {
  bool chunked = false;
  std::uint64_t content_length = 0;  // without chunked
  bool expect_continue = false;
  bool keep_alive = true;
};

class RequestParser {
 public:
  enum class Status { need_more, complete, refused };

  explicit RequestParser(const NetOptions& options) : options_(options) {}

  // Looks for a complete head at the start of `bytes`, which grows from call to call until it is complete. complete:
  // `request` holds views into `bytes`, head_bytes() were used. refused: problem() says why; the connection answers it and
  // closes.
  Status parse(std::string_view bytes, http::Request& request);

  const Framing& framing() const { return framing_; }
  std::size_t head_bytes() const { return head_bytes_; }
  const http::Problem& problem() const { return problem_; }

  // Begins a new head.
  void reset() { scanned_ = line_start_ = skipped_ = 0; }

 private:
  class Sink;

  // Would this many bytes of an unfinished head be refused? Asked at every line end, so that cuts make no difference.
  Status check_size(std::string_view bytes, std::size_t size);
  Status refuse(int status, std::string_view code, std::string_view detail);
  Status parse_complete(std::string_view head, http::Request& request);
  Status check_semantics(const Sink& sink, http::Request& request);

  const NetOptions& options_;
  std::size_t scanned_ = 0;     // bytes that were searched for line ends
  std::size_t line_start_ = 0;  // of the line that is being searched
  std::size_t skipped_ = 0;     // empty lines before the request line
  std::size_t head_bytes_ = 0;
  Framing framing_;
  http::Problem problem_{400, "http.bad_request"};
};

}  // namespace tandem::net
