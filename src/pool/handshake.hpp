// The JSON messages with which a worker's life begins: hello, ready, failed (docs/worker-protocol.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "pool/job.hpp"
#include "pool/pool_options.hpp"

namespace tandem::pool {

std::string format_hello(const PoolOptions& options, std::string_view worker_name, std::size_t io_threads);

struct Ready {
  int pid = 0;
  std::string runtime;                  // "3.11.2"
  std::vector<Kind> kinds;              // by endpoint
  std::vector<std::string> interfaces;  // by endpoint: "function", "asgi", "wsgi"
};
Result<Ready> parse_ready(std::string_view text, std::size_t endpoints);

// "import greet: No module named 'greet'", then the traceback if there is one.
std::string format_failure(std::string_view failed_message);

}  // namespace tandem::pool
