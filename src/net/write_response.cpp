#include "net/write_response.hpp"

#include <charconv>
#include <cstdio>

#include "base/ascii.hpp"

namespace tandem::net {
namespace {

void append_number(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  out.append(digits, end);
}

// Milliseconds with microsecond digits, as Server-Timing wants durations (W3C Server Timing §2.1).
void append_duration(std::string& out, std::string_view name, Nanoseconds duration) {
  char text[32];
  const int length = std::snprintf(text, sizeof(text), ";dur=%.3f", static_cast<double>(duration.count()) / 1e6);
  out.append(name).append(text, static_cast<std::size_t>(length));
}

void append_server_timing(std::string& out, const service::Call& call, Nanoseconds total) {
  const bool is_python = call.backend != service::BackendKind::native && call.backend != service::BackendKind::none;
  append_duration(out.append("Server-Timing: "), "queue", is_python ? call.queue_time : Nanoseconds{0});
  if (is_python) append_duration(out.append(", "), "gil", call.gil_time);
  append_duration(out.append(", "), "handler", is_python ? call.handler_time : total);
  append_duration(out.append(", "), "total", total);
  out.append("\r\n");
}

// Does the endpoint itself keep shared caches from storing its answer (RFC 9111 §5.2.2)?
bool forbids_sharing(const http::Response& response) {
  bool forbids = false;
  response.headers.for_each([&](std::string_view name, std::string_view value) {
    if (!ascii::equal_ignoring_case(name, "cache-control")) return;
    ascii::for_each_element(value, [&](std::string_view directive) {
      forbids =
          forbids || ascii::equal_ignoring_case(directive, "private") || ascii::equal_ignoring_case(directive, "no-store");
    });
  });
  return forbids;
}

void append_twin_fields(std::string& out, const http::Response& response, const service::Call& call) {
  out.append("Tandem-Arm: ").append(call.arm).append("\r\n").append(call.twin_fields);
  if (call.is_private && !forbids_sharing(response)) out.append("Cache-Control: private\r\n");
}

bool is_framing_field(std::string_view name) {
  using ascii::equal_ignoring_case;
  return equal_ignoring_case(name, "content-length") || equal_ignoring_case(name, "transfer-encoding") ||
         equal_ignoring_case(name, "connection") || equal_ignoring_case(name, "keep-alive");
}

}  // namespace

ResponseFraming frame_response(const http::Request& request, const http::Response& response, bool keep_alive) {
  ResponseFraming framing;
  framing.keep_alive = keep_alive && !response.close;
  framing.send_body = request.method != http::Method::head && http::may_have_body(response.status);
  if (!http::may_have_body(response.status)) return framing;
  if (const auto* stream = response.stream()) {
    framing.content_length = stream->content_length();
    if (!framing.content_length) {
      framing.chunked = request.version != http::Version::http_1_0;
      if (!framing.chunked) framing.keep_alive = false;
    }
  } else {
    framing.content_length = response.body_text().size();
  }
  return framing;
}

void append_head(std::string& out, const http::Request& request, const http::Response& response,
                 const ResponseFraming& framing, const service::Call& call, Nanoseconds total) {
  if (response.status == 200) {
    out.append("HTTP/1.1 200 OK\r\nServer: tandem\r\n");
  } else {
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<std::uint64_t>(response.status));
    out.append(" ").append(http::reason_phrase(response.status)).append("\r\nServer: tandem\r\n");
  }
  bool has_date = false;
  if (!response.headers.empty()) {
    response.headers.for_each([&](std::string_view name, std::string_view value) {
      if (is_framing_field(name)) return;
      if (ascii::equal_ignoring_case(name, "date")) has_date = true;
      out.append(name).append(": ").append(value).append("\r\n");
    });
  }
  if (!has_date) out.append("Date: ").append(call.loop.date()).append("\r\n");
  if (!response.content_type.empty()) out.append("Content-Type: ").append(response.content_type).append("\r\n");
  if (framing.content_length) {
    out.append("Content-Length: ");
    append_number(out, *framing.content_length);
    out.append("\r\n");
  } else if (framing.chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  if (response.status == 426)  // RFC 9110 §7.8: Upgrade stands with its connection option
    out.append(framing.keep_alive ? "Connection: upgrade\r\n" : "Connection: upgrade, close\r\n");
  else if (!framing.keep_alive)
    out.append("Connection: close\r\n");
  else if (request.version == http::Version::http_1_0)
    out.append("Connection: keep-alive\r\n");
  if (call.is_twin) append_twin_fields(out, response, call);
  if (call.pin_denied) out.append("Tandem-Override-Status: denied\r\n");
  if (call.id_length > 0) out.append("X-Request-Id: ").append(call.id()).append("\r\n");
  if (call.server_timing) append_server_timing(out, call, total);
  out.append("\r\n");
}

void append_interim(std::string& out, int status, std::string_view lines) {
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(status));
  out.append(" ").append(http::reason_phrase(status)).append("\r\n");
  http::ResponseHeaders fields;
  fields.append_wire(lines);
  fields.for_each([&](std::string_view name, std::string_view value) {
    if (!is_framing_field(name)) out.append(name).append(": ").append(value).append("\r\n");
  });
  out.append("\r\n");
}

void append_chunk_size(std::string& out, std::size_t size) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof(digits), size, 16).ptr;
  out.append(digits, end).append("\r\n");
}

}  // namespace tandem::net
