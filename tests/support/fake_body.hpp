// A request body that is in memory already, for tests of handlers without a connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/body.hpp"

namespace tandem::support {

class FakeBody final : public http::RequestBody {
 public:
  FakeBody() = default;
  explicit FakeBody(std::string content) : content_(std::move(content)) {}

  std::optional<std::uint64_t> content_length() const override { return content_.size(); }
  bool limit(std::uint64_t max_bytes) override { return content_.size() <= max_bytes; }
  std::optional<std::string_view> buffered() override { return content_; }
  Task<Result<std::string_view>> read_all() override { co_return std::string_view(content_); }
  Task<Result<std::string_view>> read() override { co_return std::exchange(rest_, {}); }
  void abandon() override {}

 private:
  std::string content_;
  std::string_view rest_ = content_;
};

}  // namespace tandem::support
