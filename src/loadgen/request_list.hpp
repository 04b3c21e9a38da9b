// The requests that a load is made of: a corpus file (HAR, or one request a line) or a template, as plain values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace tandem::loadgen {

struct PlannedRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, as it is sent: "/fib/20?x=1"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  bool operator==(const PlannedRequest&) const = default;
};

// A template with curl's globs: "/fib/[1-30]" and "/fib/[10-30:5]" count, "/{a,b}" lists; the last place turns fastest. "\["
// is a bracket itself. Errors: a glob that is none, more than 100,000 requests.
Result<std::vector<std::string>> expand_globs(std::string_view text);

// One request a line, the words as a shell would cut them: [METHOD] TARGET [-H 'Name: value']… [-d BODY | -d @FILE].
// TARGET is a path or a URL (its path and query are taken), with globs. The method is POST when there is a body and none was
// said. '#' begins a comment. FILE is relative to `folder`. Errors name the line.
Result<std::vector<PlannedRequest>> parse_request_lines(std::string_view text, const std::string& folder);

// HTTP Archive 1.2: log.entries[].request. What belongs to the recorded connection (Host, Connection, Content-Length,
// pseudo-fields, Accept-Encoding, …) is left out. Errors name the entry.
Result<std::vector<PlannedRequest>> parse_har(std::string_view text);

// Reads a corpus file: HAR if it is a JSON object, else lines. Errors name the file; one without requests is an error.
Result<std::vector<PlannedRequest>> read_corpus(const std::string& path);

}  // namespace tandem::loadgen
