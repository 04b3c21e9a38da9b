// Asks a running server's admin side: one blocking request over TCP or a Unix socket, for the command line.
#pragma once

#include <boost/system/error_code.hpp>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace tandem::admin {

struct AdminClientOptions {
  std::string url = "http://127.0.0.1:9090";  // as of parse_admin_url()
  std::string token;                          // sent as Authorization: Bearer; empty: none
  Milliseconds timeout{5000};                 // for connecting and for sending, each
  Milliseconds answer_timeout{5000};          // from the request to the whole answer
};

// The body of a 200 answer to GET `path`. Errors are sentences for a person that name the URL: nobody answers there, the
// answer took too long or was no HTTP, or the server refused (with its reason).
Result<std::string> admin_get(const AdminClientOptions& options, const std::string& path);

struct AdminAnswer {
  int status = 0;
  std::string body;
};
// The answer to POST `path` with an empty body, whatever its status. Errors: nobody answers there, the answer took too long
// or was no HTTP.
Result<AdminAnswer> admin_post(const AdminClientOptions& options, const std::string& path);

struct AdminQuestion {
  std::string method;  // "PATCH"
  std::string path;
  std::string body{};      // JSON; empty: none
  std::string if_match{};  // empty: none
};
// The answer to any question, as of admin_post().
Result<AdminAnswer> admin_ask(const AdminClientOptions& options, const AdminQuestion& question);

// The errors of those, in words.
Error no_server_at(const std::string& url, const boost::system::error_code& error);
Error broken_answer_of(const std::string& url, const boost::system::error_code& error);
// "was answered 403 Forbidden (admin.read_only): this token…", with what a problem document says.
std::string describe_refusal(const AdminAnswer& answer);

}  // namespace tandem::admin
