#include "net/chunked_decoder.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "http/headers.hpp"

namespace tandem::net {
namespace {

void skip_white_space(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

bool take_token(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && ascii::is_token_char(text[length])) ++length;
  text.remove_prefix(length);
  return length > 0;
}

bool take_quoted(std::string_view& text) {
  text.remove_prefix(1);
  while (!text.empty() && text.front() != '"') {
    if (text.front() == '\\') text.remove_prefix(1);
    if (text.empty()) return false;
    text.remove_prefix(1);
  }
  if (text.empty()) return false;
  text.remove_prefix(1);
  return true;
}

// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
bool is_extension(std::string_view text) {
  if (!http::is_field_value(text)) return false;
  while (!text.empty()) {
    skip_white_space(text);
    if (text.empty() || text.front() != ';') return false;
    text.remove_prefix(1);
    skip_white_space(text);
    if (!take_token(text)) return false;
    auto value = text;
    skip_white_space(value);
    if (value.empty() || value.front() != '=') continue;
    text = value.substr(1);
    skip_white_space(text);
    if (text.empty() || !(text.front() == '"' ? take_quoted(text) : take_token(text))) return false;
  }
  return true;
}

}  // namespace

ChunkedDecoder::Status ChunkedDecoder::finish_trailer_line() {
  const auto colon = line_.find(':');
  if (colon == std::string::npos || !ascii::is_token(std::string_view(line_).substr(0, colon)) ||
      !http::is_field_value(std::string_view(line_).substr(colon + 1)))
    return Status::malformed;
  line_.clear();
  return ++trailers_ > max_trailer_count_ ? Status::too_large : Status::need_more;
}

ChunkedDecoder::Status ChunkedDecoder::next(std::string_view& input, std::string_view& piece) {
  if (state_ == State::done) return Status::end;
  while (!input.empty()) {
    if (state_ == State::data) {
      const auto length = std::min<std::uint64_t>(remaining_, input.size());
      piece = input.substr(0, length);
      input.remove_prefix(length);
      remaining_ -= length;
      if (remaining_ == 0) state_ = State::data_cr;
      return Status::data;
    }
    const char c = input.front();
    input.remove_prefix(1);
    switch (state_) {
      case State::size: {
        if (const int digit = ascii::hex_value(c); digit >= 0) {
          if (++digits_ > 15) return Status::malformed;
          remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
        } else if (digits_ == 0) {
          return Status::malformed;
        } else if (c == '\r') {
          state_ = State::size_lf;
        } else if (c == ';' || c == ' ' || c == '\t') {
          line_.push_back(c);
          state_ = State::extension;
        } else {
          return Status::malformed;
        }
        break;
      }
      case State::extension:
        if (c == '\r') {
          if (!is_extension(line_)) return Status::malformed;
          line_.clear();
          state_ = State::size_lf;
        } else if (c == '\n' || c == '\0') {
          return Status::malformed;
        } else {
          if (++extension_bytes_ > kMaxExtensionBytes) return Status::too_large;
          line_.push_back(c);
        }
        break;
      case State::size_lf:
        if (c != '\n') return Status::malformed;
        state_ = remaining_ == 0 ? State::trailer : State::data;
        digits_ = 0;
        break;
      case State::data_cr:
        if (c != '\r') return Status::malformed;
        state_ = State::data_lf;
        break;
      case State::data_lf:
        if (c != '\n') return Status::malformed;
        state_ = State::size;
        break;
      case State::trailer:
        if (c == '\r') {
          state_ = State::trailer_lf;
        } else if (c == '\n' || c == '\0') {
          return Status::malformed;
        } else {
          if (++trailer_bytes_ > max_trailer_bytes_) return Status::too_large;
          line_.push_back(c);
        }
        break;
      case State::trailer_lf:
        if (c != '\n') return Status::malformed;
        if (line_.empty()) {
          state_ = State::done;
          return Status::end;
        }
        if (const auto status = finish_trailer_line(); status != Status::need_more) return status;
        state_ = State::trailer;
        break;
      case State::data:
      case State::done:
        break;
    }
  }
  return Status::need_more;
}

}  // namespace tandem::net
