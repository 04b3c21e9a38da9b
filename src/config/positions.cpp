#include "config/positions.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tandem::config {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") offset_ = 3;  // a byte order mark has no column
  }

  Positions scan() {
    skip_space();
    positions_.entries[""] = {position_, position_};
    scan_value("");
    return std::move(positions_);
  }

 private:
  char peek() const { return offset_ < text_.size() ? text_[offset_] : '\0'; }

  void advance() {
    const auto byte = static_cast<unsigned char>(text_[offset_++]);
    if (byte == '\n') {
      ++position_.line;
      position_.column = 1;
    } else if (byte < 0x80 || byte >= 0xC0) {
      ++position_.column;
    }
  }

  void skip_space() {
    while (offset_ < text_.size()) {
      if (text_.substr(offset_, 2) == "//") {
        while (offset_ < text_.size() && peek() != '\n' && peek() != '\r') advance();  // as the JSON parser sees it
      } else if (text_.substr(offset_, 2) == "/*") {
        const auto end = std::min(text_.find("*/", offset_ + 2), text_.size() - 2) + 2;
        while (offset_ < end) advance();
      } else if (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n') {
        advance();
      } else {
        return;
      }
    }
  }

  // Returns the string with its quotes.
  std::string_view scan_string() {
    const auto start = offset_;
    advance();
    while (offset_ < text_.size() && peek() != '"') {
      if (peek() == '\\') advance();
      advance();
    }
    if (offset_ < text_.size()) advance();
    return text_.substr(start, offset_ - start);
  }

  void scan_value(const std::string& pointer) {
    switch (peek()) {
      case '{':
        return scan_object(pointer);
      case '[':
        return scan_array(pointer);
      case '"':
        scan_string();
        return;
      default:
        while (offset_ < text_.size() && std::string_view(",]} \t\r\n/").find(peek()) == std::string_view::npos) advance();
    }
  }

  void scan_object(const std::string& pointer) {
    advance();
    for (skip_space(); offset_ < text_.size() && peek() != '}'; skip_space()) {
      const auto key_position = position_;
      const auto key = nlohmann::json::parse(scan_string()).get<std::string>();
      skip_space();
      advance();  // ':'
      skip_space();
      const auto child = child_pointer(pointer, key);
      const auto [entry, is_new] = positions_.entries.insert({child, {key_position, position_}});
      if (!is_new) positions_.duplicates.push_back({child, entry->second.key, key_position});
      scan_value(child);
      skip_comma();
    }
    if (offset_ < text_.size()) advance();
  }

  void scan_array(const std::string& pointer) {
    advance();
    std::size_t index = 0;
    for (skip_space(); offset_ < text_.size() && peek() != ']'; skip_space()) {
      const auto child = pointer + "/" + std::to_string(index++);
      positions_.entries.insert({child, {position_, position_}});
      scan_value(child);
      skip_comma();
    }
    if (offset_ < text_.size()) advance();
  }

  void skip_comma() {
    skip_space();
    if (peek() == ',') advance();
  }

  std::string_view text_;
  std::size_t offset_ = 0;
  Position position_;
  Positions positions_;
};

}  // namespace

Positions scan_positions(std::string_view text) { return Scanner(text).scan(); }

Position position_at(std::string_view text, std::size_t offset) {
  Position position;
  const std::size_t start = text.substr(0, 3) == "\xEF\xBB\xBF" ? 3 : 0;
  for (std::size_t i = start; i < offset && i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n') {
      ++position.line;
      position.column = 1;
    } else if (byte < 0x80 || byte >= 0xC0) {
      ++position.column;
    }
  }
  return position;
}

std::string child_pointer(std::string_view pointer, std::string_view key) {
  std::string child(pointer);
  child += '/';
  for (char c : key) {
    if (c == '~')
      child += "~0";
    else if (c == '/')
      child += "~1";
    else
      child += c;
  }
  return child;
}

}  // namespace tandem::config
