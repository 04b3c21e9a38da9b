#include "net/request_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <cstring>

#include "base/ascii.hpp"
#include "http/target.hpp"

namespace tandem::net {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;

http::Field field_of(beast_http::field known, std::string_view name) {
  switch (known) {
    case beast_http::field::host:
      return http::Field::host;
    case beast_http::field::connection:
      return http::Field::connection;
    case beast_http::field::content_length:
      return http::Field::content_length;
    case beast_http::field::content_type:
      return http::Field::content_type;
    case beast_http::field::transfer_encoding:
      return http::Field::transfer_encoding;
    case beast_http::field::expect:
      return http::Field::expect;
    case beast_http::field::cookie:
      return http::Field::cookie;
    case beast_http::field::user_agent:
      return http::Field::user_agent;
    case beast_http::field::accept:
      return http::Field::accept;
    case beast_http::field::authorization:
      return http::Field::authorization;
    case beast_http::field::forwarded:
      return http::Field::forwarded;
    case beast_http::field::upgrade:
      return http::Field::upgrade;
    case beast_http::field::te:
      return http::Field::te;
    case beast_http::field::trailer:
      return http::Field::trailer;
    case beast_http::field::keep_alive:
      return http::Field::keep_alive;
    case beast_http::field::unknown:
      return http::parse_field(name);
    default:
      return http::Field::other;
  }
}

}  // namespace

// Receives what Beast finds and notes what later checks need. Views point into the head.
class RequestParser::Sink final : public beast_http::basic_parser<true> {
 public:
  Sink(std::string_view head, http::Request& request, const NetOptions& options)
      : head_(head), request_(request), options_(options) {
    header_limit(UINT32_MAX);  // our own limits were checked before
    body_limit(boost::none);
    eager(false);
  }

  int hosts = 0;
  int content_lengths = 0;
  int transfer_encodings = 0;
  std::string_view host, content_length, transfer_encoding, expect;
  bool close = false;
  bool keep_alive = false;
  std::string_view refusal;  // of a field, in words; empty: none
  std::string_view refusal_code = "http.bad_header";
  bool too_many_fields = false;

 private:
  using view = boost::beast::string_view;
  static std::string_view std_view(view text) { return {text.data(), text.size()}; }

  void on_request_impl(beast_http::verb, view method, view target, int version, error_code&) override {
    request_.method_text = std_view(method);
    request_.method = http::parse_method(request_.method_text);
    request_.target = std_view(target);
    request_.version = version == 10 ? http::Version::http_1_0 : http::Version::http_1_1;
  }

  void on_field_impl(beast_http::field known, view name_view, view value_view, error_code& error) override {
    const auto name = std_view(name_view);
    const auto value = std_view(value_view);
    // Beast unfolds a continued line (obs-fold) into memory of its own: RFC 9112 §5.2 lets a server refuse it.
    if (!value.empty() && (value.data() < head_.data() || value.data() + value.size() > head_.data() + head_.size()))
      return refuse("a field value goes on in the next line (obs-fold)", error);
    const char* after_name = name.data() + name.size();
    if (*after_name != ':') return refuse("white space before the colon of a field", error);
    if (request_.headers.size() == options_.limits.header_count) {
      too_many_fields = true;
      error = beast_http::error::header_limit;
      return;
    }
    const auto id = field_of(known, name);
    const char* line_end = static_cast<const char*>(
        std::memchr(after_name, '\r', static_cast<std::size_t>(head_.data() + head_.size() - after_name)));
    const std::string_view raw(after_name + 1, static_cast<std::size_t>(line_end - after_name - 1));
    if (line_end + 2 < head_.data() + head_.size() && (line_end[2] == ' ' || line_end[2] == '\t'))
      return refuse("a field value goes on in the next line (obs-fold)", error);
    if (options_.strict && !raw.empty() && (raw.front() == '\t' || raw.back() == '\t'))
      return refuse("a tab around a field value", error);
    request_.headers.add(id, name, value);
    switch (id) {
      case http::Field::host:
        ++hosts;
        host = value;
        break;
      case http::Field::content_length:
        ++content_lengths;
        content_length = value;
        if (options_.strict && raw != value && (raw.empty() || raw.substr(1) != value || raw.front() != ' '))
          refuse("white space around Content-Length", error);
        break;
      case http::Field::transfer_encoding:
        ++transfer_encodings;
        transfer_encoding = value;
        break;
      case http::Field::expect:
        expect = expect.empty() ? value : std::string_view("more than one");
        break;
      case http::Field::connection:
        ascii::for_each_element(value, [&](std::string_view option) {
          if (ascii::equal_ignoring_case(option, "close")) close = true;
          if (ascii::equal_ignoring_case(option, "keep-alive")) keep_alive = true;
        });
        break;
      default:
        break;
    }
  }

  void refuse(std::string_view why, error_code& error) {
    refusal = why;
    error = beast_http::error::bad_field;
  }

  void on_response_impl(int, view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  std::string_view head_;
  http::Request& request_;
  const NetOptions& options_;
};

RequestParser::Status RequestParser::refuse(int status, std::string_view code, std::string_view detail) {
  problem_ = http::Problem(status, code, std::string(detail));
  return Status::refused;
}

RequestParser::Status RequestParser::check_size(std::string_view bytes, std::size_t size) {
  static constexpr std::size_t kRestOfLine = 16;  // " HTTP/1.1" and a little
  const auto& limits = options_.limits;
  if (size > 0 && !ascii::is_token_char(bytes[skipped_]) && bytes[skipped_] != '\r')
    return refuse(400, "http.bad_request", "this does not begin like an HTTP request");
  if (line_start_ == skipped_) {
    const auto method_end = bytes.substr(skipped_, size).find(' ');
    const auto longest = method_end + 1 + limits.uri_bytes + kRestOfLine;
    if (method_end != std::string_view::npos && size > longest && longest <= limits.header_bytes)
      return refuse(414, "http.uri_too_long", "the request target is longer than the limit");
  }
  if (size > limits.header_bytes) return refuse(431, "http.headers_too_large", "the request head is larger than the limit");
  return Status::need_more;
}

RequestParser::Status RequestParser::parse(std::string_view bytes, http::Request& request) {
  while (scanned_ < bytes.size()) {
    const void* found = std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_);
    if (!found) {
      scanned_ = bytes.size();
      break;
    }
    const auto newline = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    if (check_size(bytes, newline - skipped_) == Status::refused) return Status::refused;
    if (newline == line_start_ || bytes[newline - 1] != '\r')
      return refuse(400, "http.bad_request", "a line ends with LF alone instead of CRLF");
    scanned_ = newline + 1;
    const bool empty_line = newline == line_start_ + 1;
    if (empty_line && line_start_ == skipped_) {  // RFC 9112 §2.2: ignore an empty line before the request line
      if (options_.strict || skipped_ >= 8) return refuse(400, "http.bad_request", "empty lines before the request line");
      skipped_ = line_start_ = scanned_;
      continue;
    }
    if (empty_line) {
      head_bytes_ = scanned_;
      if (check_size(bytes, head_bytes_ - skipped_) == Status::refused) return Status::refused;
      return parse_complete(bytes.substr(skipped_, head_bytes_ - skipped_), request);
    }
    line_start_ = scanned_;
    if (check_size(bytes, scanned_ - skipped_) == Status::refused) return Status::refused;
  }
  const auto head = bytes.substr(skipped_);
  if (head.empty()) return Status::need_more;
  return check_size(bytes, head.size());
}

RequestParser::Status RequestParser::parse_complete(std::string_view head, http::Request& request) {
  request.clear();
  Sink sink(head, request, options_);
  error_code error;
  sink.put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (request.target.size() > options_.limits.uri_bytes)
    return refuse(414, "http.uri_too_long", "the request target is longer than the limit");
  if (sink.too_many_fields) return refuse(431, "http.headers_too_large", "the request has more fields than the limit");
  if (!sink.refusal.empty()) return refuse(400, sink.refusal_code, sink.refusal);
  if (error) {
    const auto line = head.substr(0, head.find('\r'));
    if (error == beast_http::error::bad_version) {
      const auto version = line.substr(line.rfind(' ') + 1);
      if (version != "HTTP/1.0" && version != "HTTP/1.1" && version.size() == 8 && version.starts_with("HTTP/") &&
          ascii::is_digit(version[5]) && version[6] == '.' && ascii::is_digit(version[7]))
        return refuse(505, "http.version_not_supported", "this server speaks HTTP/1.0 and HTTP/1.1");
    }
    if (error == beast_http::error::bad_target)
      return refuse(400, "http.bad_target", "the request target holds a character that must be percent-encoded");
    if (error == beast_http::error::bad_content_length || error == beast_http::error::multiple_content_length)
      return refuse(400, "http.bad_content_length", "Content-Length must be one decimal number");
    if (error == beast_http::error::bad_transfer_encoding)
      return refuse(400, "http.bad_transfer_encoding", "the only Transfer-Encoding is chunked");
    if (error == beast_http::error::bad_field || error == beast_http::error::bad_value ||
        error == beast_http::error::bad_obs_fold)
      return refuse(400, "http.bad_header", "a header field is malformed");
    return refuse(400, "http.bad_request", "the request line is malformed");
  }
  if (!sink.is_header_done()) return refuse(400, "http.bad_request", "the request head is malformed");
  return check_semantics(sink, request);
}

RequestParser::Status RequestParser::check_semantics(const Sink& sink, http::Request& request) {
  const bool is_1_1 = request.version == http::Version::http_1_1;
  const bool is_connect = request.method == http::Method::connect;
  auto target = http::parse_target(request.target, is_connect, request.method == http::Method::options);
  if (!target) return refuse(400, "http.bad_target", target.error().message);
  request.path = target->path;
  request.query = target->query;
  if (!target->scheme.empty()) request.scheme = target->scheme;

  // RFC 9112 §3.2: exactly one Host in HTTP/1.1; an absolute target's authority wins over it.
  if (sink.hosts > 1 || (sink.hosts == 0 && is_1_1))
    return refuse(400, "http.bad_host", "HTTP/1.1 needs exactly one Host field");
  if (sink.hosts == 1) {
    if (sink.host.empty() ? !target->authority.empty() : !http::is_authority(sink.host))
      return refuse(400, "http.bad_host", "the Host field is malformed");
  }
  request.authority = target->authority.empty() ? sink.host : target->authority;

  // RFC 9112 §6: the body's length must be beyond doubt.
  framing_ = Framing();
  if (sink.transfer_encodings > 0) {
    if (!is_1_1) return refuse(400, "http.bad_transfer_encoding", "HTTP/1.0 has no Transfer-Encoding");
    if (sink.content_lengths > 0)
      return refuse(400, "http.bad_transfer_encoding", "Transfer-Encoding and Content-Length exclude each other");
    if (sink.transfer_encodings > 1 || !ascii::equal_ignoring_case(sink.transfer_encoding, "chunked"))
      return refuse(400, "http.bad_transfer_encoding", "the only Transfer-Encoding is chunked, once");
    framing_.chunked = true;
  }
  if (sink.content_lengths > 1) return refuse(400, "http.bad_content_length", "more than one Content-Length");
  if (sink.content_lengths == 1) {
    if (sink.content_length.empty() || sink.content_length.size() > 18)
      return refuse(400, "http.bad_content_length", "Content-Length must be one decimal number");
    for (char c : sink.content_length) {
      if (!ascii::is_digit(c)) return refuse(400, "http.bad_content_length", "Content-Length must be one decimal number");
      framing_.content_length = framing_.content_length * 10 + static_cast<std::uint64_t>(c - '0');
    }
  }
  if (!sink.expect.empty() && is_1_1) {  // RFC 9110 §10.1.1: HTTP/1.0 expectations are ignored
    if (!ascii::equal_ignoring_case(sink.expect, "100-continue"))
      return refuse(417, "http.expectation_failed", "the only expectation this server meets is 100-continue");
    framing_.expect_continue = framing_.chunked || framing_.content_length > 0;
  }
  framing_.keep_alive = is_1_1 ? !sink.close : sink.keep_alive && !sink.close;
  return Status::complete;
}

}  // namespace tandem::net
