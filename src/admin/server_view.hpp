// What the admin side may know about the running server: plain values, asked for anew by each request. The application
// fills in the functions; tests bring their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "http/response.hpp"
#include "observe/metrics.hpp"
#include "pool/pool_backend.hpp"

namespace tandem::admin {

enum class Readiness : std::uint8_t { starting, ready, draining };

// How a reload went.
struct ReloadReport {
  bool ok() const { return code.empty(); }

  std::string code;                   // why it failed: "reload.bad_config", …; empty: it serves
  std::string detail;                 // in words, with the traceback
  std::vector<std::string> errors;    // one by one
  std::vector<std::string> warnings;  // of one that serves
  unsigned generation = 0;            // that serves now
  std::size_t routes = 0;             // of that one
  Milliseconds took{0};
  std::string by;  // who asked: "SIGHUP", "127.0.0.1, without a token"
  std::chrono::system_clock::time_point at{};
};

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
  double cpu_seconds = 0;            // of the server and its workers since they started
  std::uint64_t rss_bytes = 0;       // of them all; what they share counts for each
  unsigned generation = 1;           // of what is served: one more with each reload
  std::vector<unsigned> retiring{};  // generations before it whose last requests are still running
  std::optional<ReloadReport> last_reload{};
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
  unsigned generation = 1;
  bool is_retiring = false;  // of a generation that has been replaced
};

struct StacksView {
  std::string pool;
  unsigned generation = 1;
  std::vector<pool::WorkerStacks> workers;
};

struct RequestsView {
  std::string pool;
  unsigned generation = 1;
  std::vector<pool::RequestState> requests;
};

// What is asked about experiments, and what is to be changed of one.
struct ExperimentsRequest {
  enum class Kind : std::uint8_t { list, show, change, report, state, diffs, explain, gate, audit };
  Kind kind = Kind::list;
  std::string id;             // of the experiment, or its route's name
  std::string action;         // of a change: "put", "weights", "start", "rollback", …
  std::string query;          // as received
  std::string body;           // of a change: JSON
  std::string if_match;       // as received; empty: none
  std::string if_none_match;  // the same
  std::string by;             // "127.0.0.1, with the admin token"
};

// Thread: called on the admin thread while the others run. What takes its time returns at once and calls `done` later, once,
// on any thread.
struct ServerView {
  std::function<Readiness()> readiness;
  std::function<StatusView()> status;
  std::function<std::vector<RouteView>()> routes;
  std::function<std::vector<PoolView>()> pools;
  std::function<void(std::function<void(std::vector<StacksView>)> done)> stacks;
  std::function<void(std::function<void(std::vector<RequestsView>)> done)> requests;
  std::function<void(std::string by, std::function<void(ReloadReport)> done)> reload;
  std::function<void(ExperimentsRequest, std::function<void(http::Response)> done)> experiments;
  const observe::Registry* registry = nullptr;  // never null while it is used; outlives the view
};

}  // namespace tandem::admin
