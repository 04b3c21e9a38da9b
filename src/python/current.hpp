// The request that this thread's `def` endpoint serves, so that prints and log records can name it.
#pragma once

#include <string_view>

#include "python/exchange.hpp"

namespace tandem::python {

class CurrentRequest {
 public:
  explicit CurrentRequest(const Exchange& exchange) { current() = &exchange; }
  ~CurrentRequest() { current() = nullptr; }
  CurrentRequest(const CurrentRequest&) = delete;
  CurrentRequest& operator=(const CurrentRequest&) = delete;

  // Empty outside of a request.
  static std::string_view id() {
    return current() == nullptr ? std::string_view{} : current()->text(current()->head.request_id);
  }

 private:
  static const Exchange*& current() {
    thread_local const Exchange* exchange = nullptr;
    return exchange;
  }
};

}  // namespace tandem::python
