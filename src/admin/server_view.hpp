// What the admin side may know about the running server: plain values, asked for anew by each request. The application
// fills in the functions; tests bring their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "observe/metrics.hpp"
#include "pool/pool_backend.hpp"

namespace tandem::admin {

enum class Readiness : std::uint8_t { starting, ready, draining };

struct StatusView {
  std::string version;
  int pid = 0;
  std::chrono::system_clock::time_point started{};
  Nanoseconds uptime{0};
  std::vector<std::string> listening;  // URLs: "http://0.0.0.0:8080", "unix:/run/tandem.sock"
  std::string config_file;
  unsigned io_threads = 0;
  std::uint64_t connections = 0;  // open now
  std::uint64_t dropped_access_lines = 0;
};

struct ArmView {
  std::string name;  // empty: the only endpoint of a route without arms
  double weight = 1;
  std::string backend;   // "native", "python"
  std::string endpoint;  // "json", "greet:hello"
  std::string pool;      // empty for native
};

struct RouteView {
  std::string name;
  std::string path;
  std::vector<std::string> methods;  // {"*"}: any
  std::vector<ArmView> arms;
};

struct PoolView {
  std::string name;
  std::string mode;  // "process", "thread"
  std::size_t queued = 0;
  std::size_t queue_limit = 0;
  std::vector<pool::WorkerState> workers;
};

// Thread: called on the admin thread while the others run.
struct ServerView {
  std::function<Readiness()> readiness;
  std::function<StatusView()> status;
  std::function<std::vector<RouteView>()> routes;
  std::function<std::vector<PoolView>()> pools;
  const observe::Registry* registry = nullptr;  // never null while it is used; outlives the view
};

}  // namespace tandem::admin
