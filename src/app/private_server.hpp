// A server of our own on free ports of this machine, for the time of a benchmark: the user's config without what belongs to
// the deployment (addresses, saved state, tokens, experiments), on CPUs of its own where there are several.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"

namespace tandem::app {

class PrivateServer {
 public:
  // `cpus`: where it runs; empty: anywhere. Blocks until it serves. Errors: what it said on standard error.
  static Result<PrivateServer> start(const std::string& config_file, const std::vector<int>& cpus);

  PrivateServer(PrivateServer&& other) noexcept;
  PrivateServer& operator=(PrivateServer&&) = delete;
  // Ends it and removes what it kept.
  ~PrivateServer();

  const std::string& url() const { return url_; }      // "http://127.0.0.1:40001"
  const std::string& admin() const { return admin_; }  // "http://127.0.0.1:40002"

 private:
  PrivateServer() = default;

  pid_t pid_ = -1;
  std::string folder_;
  std::string url_;
  std::string admin_;
};

// The config it is started with, as JSON.
Result<std::string> private_config(const std::string& text, const std::string& folder);

// The CPUs this process may use.
std::vector<int> usable_cpus();
// This thread runs there from now on.
void run_on_cpu(int cpu);

}  // namespace tandem::app
