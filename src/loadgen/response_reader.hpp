// Reads one response after the other from a byte stream and says when each is whole; keeps of it what its reader wants.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "comparison/answer.hpp"

namespace tandem::loadgen {

class ResponseReader : public boost::beast::http::basic_parser<false> {
 public:
  // `expected`: the body is compared with this while it arrives; null: it is not. `answer`: all is kept there; may be null.
  ResponseReader(bool answers_head, const std::string* expected, comparison::Answer* answer);

  int status() const { return status_; }
  std::uint64_t body_bytes() const { return position_; }
  // Was the whole body the expected one?
  bool has_expected_body() const { return !expected_ || (is_equal_ && position_ == expected_->size()); }

 private:
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;
  void take(std::string_view piece);
  void on_request_impl(boost::beast::http::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view, int, error_code&) override;
  void on_field_impl(boost::beast::http::field, string_view name, string_view value, error_code&) override;
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override;
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override;
  void on_finish_impl(error_code&) override {}

  const std::string* expected_;
  comparison::Answer* answer_;
  int status_ = 0;
  bool is_equal_ = true;
  std::uint64_t position_ = 0;
};

}  // namespace tandem::loadgen
