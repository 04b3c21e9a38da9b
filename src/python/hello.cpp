#include "python/hello.hpp"

#include <charconv>

namespace tandem::python {
namespace {

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xc0 | code >> 6));
    out.push_back(static_cast<char>(0x80 | (code & 63)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | code >> 12));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 63)));
    out.push_back(static_cast<char>(0x80 | (code & 63)));
  } else {
    out.push_back(static_cast<char>(0xf0 | code >> 18));
    out.push_back(static_cast<char>(0x80 | (code >> 12 & 63)));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 63)));
    out.push_back(static_cast<char>(0x80 | (code & 63)));
  }
}

unsigned hex4(std::string_view json, std::size_t at) {
  unsigned code = 0xfffd;
  if (at + 4 <= json.size()) std::from_chars(json.data() + at, json.data() + at + 4, code, 16);
  return code;
}

// `at` stands on the opening quote and is moved behind the closing one.
std::string read_string(std::string_view json, std::size_t& at) {
  std::string text;
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] != '\\') {
      text.push_back(json[at]);
      continue;
    }
    if (++at >= json.size()) break;
    switch (json[at]) {
      case 'b':
        text.push_back('\b');
        break;
      case 'f':
        text.push_back('\f');
        break;
      case 'n':
        text.push_back('\n');
        break;
      case 'r':
        text.push_back('\r');
        break;
      case 't':
        text.push_back('\t');
        break;
      case 'u': {
        unsigned code = hex4(json, at + 1);
        at += 4;
        if (code >= 0xd800 && code < 0xdc00 && json.substr(at + 1, 2) == "\\u") {
          code = 0x10000 + ((code - 0xd800) << 10) + (hex4(json, at + 3) - 0xdc00);
          at += 6;
        }
        append_utf8(text, code);
        break;
      }
      default:
        text.push_back(json[at]);
    }
  }
  ++at;
  return text;
}

}  // namespace

std::optional<std::string> find_top_level_string(std::string_view json, std::string_view name) {
  int depth = 0;
  std::string last;         // the string read last, on the top level
  bool after_name = false;  // it was `name`, and its colon has come
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (c == '"') {
      auto text = read_string(json, at);
      if (depth != 1) continue;
      if (after_name) return text;
      last = std::move(text);
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == ':' && depth == 1) after_name = last == name;
    if (c == ',' && depth == 1) after_name = false;
    ++at;
  }
  return std::nullopt;
}

}  // namespace tandem::python
