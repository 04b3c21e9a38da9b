// The command line of `tandem compare`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "benchmark/benchmark.hpp"

namespace CLI {
class App;
}

namespace tandem::app {

struct CompareCommand {
  std::string config;  // of a private server
  std::string route;   // of the config; empty: there is a URL, or a suite
  std::string url;     // of a running server's twin route
  std::string admin;   // of that server, whose routes and arms it tells
  std::string url_a, url_b;
  int pid_a = 0, pid_b = 0;        // whose CPU time is counted; 0: unknown
  std::string control, candidate;  // arms; empty: chosen
  std::string corpus;
  std::vector<std::string> requests;  // lines of a corpus
  std::string token;                  // sent as Tandem-Override
  bool is_suite = false;
  bool is_check_only = false;
  bool allow_remote = false;
  std::vector<std::string> ignore;  // JSON paths that are not compared
  benchmark::Plan plan;             // a rate of 0: to be chosen
  std::vector<benchmark::Condition> fail_if;
  std::string format = "text";  // "json", "md", "html"
  std::string output;           // a file; empty: standard output
};

// The options as they were typed; empty: not given.
struct TypedCompare {
  std::string config, route, url, admin, url_a, url_b, arms, corpus, token;
  std::vector<std::string> requests, ignore;
  int pid_a = 0, pid_b = 0;
  bool suite = false, check = false, allow_remote = false, json = false, markdown = false, html = false;
  double rate = 0;
  std::string duration, washout, timeout, arrivals, goal, fail_if, output;
  std::size_t pairs = 0, connections = 0;
  std::optional<std::size_t> calibration;
  std::uint64_t seed = 1;
};

// `typed` outlives the parsing.
void declare_compare_options(CLI::App& command, TypedCompare& typed);

// `config` is empty when there is no URL: the default one is meant.
Result<CompareCommand> make_compare_command(TypedCompare typed);

}  // namespace tandem::app
