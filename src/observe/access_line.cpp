#include "observe/access_line.hpp"

#include <algorithm>
#include <charconv>

#include "base/log.hpp"
#include "base/timestamp.hpp"

namespace tandem::observe {

namespace {

template <class Integer>
void append_number(std::string& out, Integer number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof(digits), number).ptr);
}

// "0.123": milliseconds with their microseconds.
void append_milliseconds(std::string& out, Nanoseconds time) {
  const auto microseconds = std::max<std::int64_t>(time.count(), 0) / 1000;
  const auto part = static_cast<int>(microseconds % 1000);
  append_number(out, microseconds / 1000);
  const char fraction[] = {'.', char('0' + part / 100), char('0' + part / 10 % 10), char('0' + part % 10)};
  out.append(fraction, sizeof(fraction));
}

std::string_view format_version(std::uint8_t version) {
  switch (version) {
    case 10:
      return "HTTP/1.0";
    case 11:
      return "HTTP/1.1";
    case 20:
      return "HTTP/2";
    default:
      return "HTTP/?";
  }
}

constexpr bool is_plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

// Quotes, backslashes, control characters and whatever is not ASCII as \xHH: what a client sent can neither end its field
// nor the line, and does nothing to a terminal.
void append_escaped(std::string& out, std::string_view text, bool escape_space = false) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_plain(c) && !(escape_space && c == ' ')) {
      out += c;
    } else {
      const char code[] = {'\\', 'x', kHex[static_cast<unsigned char>(c) >> 4], kHex[c & 0xF]};
      out.append(code, sizeof(code));
    }
  }
}

void append_mark(std::string& out, std::uint32_t cut) {
  if (cut == 0) return;
  out += "...(+";
  append_number(out, cut);
  out += " bytes)";
}

void append_word(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out.append(" ").append(key).append("=");
  append_escaped(out, value, true);
}

void append_time(std::string& out, std::string_view key, Nanoseconds time) {
  if (time.count() == 0) return;
  out.append(" ").append(key).append("=");
  append_milliseconds(out, time);
  out += "ms";
}

void append_text_line(std::string& out, const AccessRecord& record, CutBytes cut) {
  out += ' ';
  append_escaped(out, record.client, true);
  out += " \"";
  append_escaped(out, record.method);
  out += ' ';
  append_escaped(out, record.target);
  append_mark(out, cut.target);
  out.append(" ").append(format_version(record.version)).append("\" ");
  append_number(out, record.status);
  out += ' ';
  append_number(out, record.body_bytes_sent);
  out += ' ';
  append_milliseconds(out, record.total);
  out += "ms";
  append_word(out, "route", record.route);
  append_word(out, "arm", record.arm);
  append_word(out, "backend", record.backend);
  append_time(out, "queue", record.queue);
  append_time(out, "handler", record.handler);
  if (record.body_bytes_received != 0) {
    out += " received=";
    append_number(out, record.body_bytes_received);
  }
  append_word(out, "id", record.request_id);
  if (!record.user_agent.empty()) {
    out += " agent=\"";
    append_escaped(out, record.user_agent);
    append_mark(out, cut.user_agent);
    out += '"';
  }
  out += '\n';
}

void append_json_text(std::string& out, std::string_view text) {
  if (std::all_of(text.begin(), text.end(), is_plain)) {
    out += text;
  } else {
    out += json_escaped(text);
  }
}

void append_member(std::string& out, std::string_view key, std::string_view value, std::uint32_t cut = 0) {
  if (value.empty()) return;
  out.append(",\"").append(key).append("\":\"");
  append_json_text(out, value);
  append_mark(out, cut);
  out += '"';
}

template <class Integer>
void append_number_member(std::string& out, std::string_view key, Integer value) {
  out.append(",\"").append(key).append("\":");
  append_number(out, value);
}

void append_time_member(std::string& out, std::string_view key, Nanoseconds time) {
  if (time.count() == 0) return;
  out.append(",\"").append(key).append("\":");
  append_milliseconds(out, time);
}

void append_json_line(std::string& out, const AccessRecord& record, CutBytes cut) {
  out += R"(","level":"info","logger":"access")";
  append_member(out, "client", record.client);
  append_member(out, "method", record.method);
  append_member(out, "target", record.target, cut.target);
  append_member(out, "protocol", format_version(record.version));
  append_number_member(out, "status", record.status);
  append_number_member(out, "bytes_sent", record.body_bytes_sent);
  append_number_member(out, "bytes_received", record.body_bytes_received);
  out += ",\"total_ms\":";
  append_milliseconds(out, record.total);
  append_time_member(out, "queue_ms", record.queue);
  append_time_member(out, "handler_ms", record.handler);
  append_member(out, "route", record.route);
  append_member(out, "arm", record.arm);
  append_member(out, "backend", record.backend);
  append_member(out, "request_id", record.request_id);
  append_member(out, "user_agent", record.user_agent, cut.user_agent);
  out += "}\n";
}

std::uint32_t cut_text(std::string_view& text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return 0;
  const auto cut = text.size() - max_bytes;
  text = text.substr(0, max_bytes);
  return static_cast<std::uint32_t>(cut);
}

}  // namespace

CutBytes cut_texts(AccessRecord& record) {
  for (auto* text : {&record.client, &record.method, &record.route, &record.arm, &record.backend, &record.request_id})
    cut_text(*text, kMaxOtherBytes);
  CutBytes cut;
  cut.target = cut_text(record.target, kMaxTargetBytes);
  cut.user_agent = cut_text(record.user_agent, kMaxUserAgentBytes);
  return cut;
}

void append_access_line(std::string& out, const AccessRecord& record, CutBytes cut, LogFormat format,
                        std::chrono::system_clock::time_point when) {
  if (format == LogFormat::json) {
    out += R"({"ts":")";
    append_timestamp(out, when);
    append_json_line(out, record, cut);
  } else {
    append_timestamp(out, when);
    append_text_line(out, record, cut);
  }
}

std::string format_access_line(const AccessRecord& record, LogFormat format, std::chrono::system_clock::time_point when) {
  auto shortened = record;
  const auto cut = cut_texts(shortened);
  std::string line;
  append_access_line(line, shortened, cut, format, when);
  return line;
}

}  // namespace tandem::observe
