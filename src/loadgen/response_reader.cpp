#include "loadgen/response_reader.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/ascii.hpp"

namespace tandem::loadgen {

ResponseReader::ResponseReader(bool answers_head, const std::string* expected, comparison::Answer* answer)
    : expected_(answers_head ? nullptr : expected), answer_(answer) {
  skip(answers_head);
  eager(true);
  body_limit(std::numeric_limits<std::uint64_t>::max());
}

void ResponseReader::take(std::string_view piece) {
  if (expected_ && is_equal_)
    is_equal_ = position_ + piece.size() <= expected_->size() &&
                std::memcmp(expected_->data() + position_, piece.data(), piece.size()) == 0;
  position_ += piece.size();
  if (answer_) answer_->append(piece);
}

void ResponseReader::on_response_impl(int code, string_view, int, error_code&) {
  status_ = code;
  if (answer_) answer_->status = code;
}

void ResponseReader::on_field_impl(boost::beast::http::field, string_view name, string_view value, error_code&) {
  if (!answer_) return;
  std::string small(name);
  std::transform(small.begin(), small.end(), small.begin(), ascii::lower);
  answer_->headers.emplace_back(std::move(small), std::string(value));
}

std::size_t ResponseReader::on_body_impl(string_view body, error_code&) {
  take({body.data(), body.size()});
  return body.size();
}

std::size_t ResponseReader::on_chunk_body_impl(std::uint64_t, string_view body, error_code&) {
  take({body.data(), body.size()});
  return body.size();
}

}  // namespace tandem::loadgen
