// Settings of one pool of workers. JSON names and defaults: docs/config.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace tandem::pool {

// A request may take as long as it takes: nothing is armed for it, and no worker counts as stuck for it.
constexpr Milliseconds kNoTimeout{0};

enum class Mode : std::uint8_t { process, thread };

// One program that the pool's workers load.
struct EndpointOptions {
  std::string target;             // "module:function"
  std::string kind = "function";  // "asgi", "wsgi"; "application": the worker finds out which of them
  bool stream = false;            // the body is handed over as it arrives; always for applications
  std::string root_path{};        // put before what an application is mounted under (a proxy has taken it off the path)
};

// A request that a worker answers to itself before it takes others: what is imported, compiled or cached late is then there.
struct WarmupRequest {
  std::string method = "GET";
  std::string path = "/";
  std::optional<std::string> endpoint;  // of a pool with several
};

struct PoolOptions {
  std::string name = "python";
  std::vector<std::string> path = {"python_handlers"};  // directories put first on sys.path, absolute
  std::optional<std::string> home;                      // a virtual environment, absolute
  unsigned workers = 1;                                 // with max_workers above it: the least there are
  unsigned max_workers = 0;                             // 0: as many as `workers`, always
  Milliseconds idle_timeout{60000};                     // of a worker beyond the least
  std::map<std::string, std::string> environment;       // added to ours
  std::string user;                                     // workers run as this one; empty: as we do
  unsigned threads = 1;                                 // synchronous executors a worker
  unsigned async_capacity = 1000;                       // coroutines in flight a worker
  Mode mode = Mode::process;
  std::size_t queue = 1024;  // requests that wait for a worker; one more is answered 503
  Milliseconds queue_timeout{10000};
  Milliseconds timeout{30000};     // from dispatch to answer, unless the route says otherwise; then 504. kNoTimeout: none
  std::uint64_t max_requests = 0;  // a worker is replaced after so many; 0: never
  std::uint64_t max_requests_jitter = 0;  // up to so many more, drawn per worker
  std::optional<std::uint64_t> max_rss_bytes;
  Milliseconds max_lifetime{0};   // a worker is replaced at that age, plus up to a tenth; 0: never
  std::string lifespan = "auto";  // of ASGI applications: "on", "off"; "auto": when the application knows it
  std::vector<WarmupRequest> warmup;
  Milliseconds start_timeout{60000};
  Milliseconds drain_timeout{
      30000};                      // for the requests of a worker that is to go; then they are cancelled, then it is killed
  Milliseconds stuck_grace{2000};  // after a request's deadline, until its worker counts as stuck
  bool debug = false;
  std::vector<EndpointOptions> endpoints;
};

}  // namespace tandem::pool
