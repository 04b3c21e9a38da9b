// Asks a running server's admin side: one blocking GET over TCP or a Unix socket, for the command line.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace tandem::admin {

struct AdminClientOptions {
  std::string url = "http://127.0.0.1:9090";  // "http://HOST:PORT", "HOST:PORT" or "unix:/path"; without a port: 9090
  std::string token;                          // sent as Authorization: Bearer; empty: none
  Milliseconds timeout{5000};                 // for each step: connecting, sending, the answer
};

// The body of a 200 answer to GET `path`. Errors are sentences for a person that name the URL: nobody answers there, the
// answer took too long or was no HTTP, or the server refused (with its reason).
Result<std::string> admin_get(const AdminClientOptions& options, const std::string& path);

}  // namespace tandem::admin
