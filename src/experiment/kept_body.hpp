// A request's body that has been read into memory, for endpoints that run one after the other.
#pragma once

#include "http/body.hpp"

namespace tandem::experiment {

class KeptBody final : public http::RequestBody {
 public:
  // The text outlives this.
  explicit KeptBody(std::string_view text) : text_(text) {}

  // For the next reader.
  void rewind() {
    delivered_ = false;
    abandoned_ = false;
  }

  std::optional<std::uint64_t> content_length() const override { return text_.size(); }
  bool limit(std::uint64_t max_bytes) override { return text_.size() <= max_bytes; }
  std::optional<std::string_view> buffered() override { return text_; }
  Task<Result<std::string_view>> read_all() override { co_return text_; }
  Task<Result<std::string_view>> read() override {
    if (abandoned_) co_return Error("the body was abandoned");
    if (delivered_) co_return std::string_view{};
    delivered_ = true;
    co_return text_;
  }
  void abandon() override { abandoned_ = true; }

 private:
  std::string_view text_;
  bool delivered_ = false;
  bool abandoned_ = false;
};

}  // namespace tandem::experiment
