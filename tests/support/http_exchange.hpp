// One client's connection in memory: the same bytes in any cuts, and what comes back as parsed answers.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ascii.hpp"
#include "base/loop.hpp"
#include "base/task_group.hpp"
#include "net/connection.hpp"
#include "support/memory_stream.hpp"
#include "support/recording_handler.hpp"

namespace tandem::support {

// How the bytes reach the connection.
struct Feed {
  std::vector<std::size_t> cuts;     // rising offsets at which a new segment begins
  bool one_by_one = false;           // every byte its own segment
  bool settle = true;                // wait after each segment until the connection has nothing left to do
  std::size_t max_write = SIZE_MAX;  // largest write that the stream takes
};

struct Exchanged {
  std::string answers;         // all that was written before the client ended its side
  std::string answers_at_end;  // what was written after that
  bool closed = false;         // the server had ended its side before the client did
  bool settled = false;        // it stopped working after each segment
  bool finished = false;       // it ended when the client did
  // What the observer was told of before the client ended its side.
  std::vector<int> observed;  // statuses
  std::vector<bool> to_head;  // was it an answer to HEAD
};

// Runs everything that is ready; false when it does not come to rest. Timers play no part.
inline bool settle(Loop& loop, std::size_t max_steps = 1'000'000) {
  auto& context = loop.context();
  context.restart();
  for (std::size_t step = 0; step < max_steps; ++step)
    if (context.poll_one() == 0) return true;
  return false;
}

class StatusObserver final : public service::Observer {
 public:
  void ended(const http::Request& request, const service::Call&, const service::Ending& ending) const override {
    statuses.push_back(ending.status);
    to_head.push_back(request.method == http::Method::head);
  }
  mutable std::vector<int> statuses;
  mutable std::vector<bool> to_head;
};

inline Exchanged exchange(Loop& loop, const net::NetOptions& options, std::string_view bytes, const Feed& feed) {
  const RecordingHandler handler(options.limits.body_bytes);
  const StatusObserver observer;
  net::ConnectionContext context(loop, options, handler);
  context.observer = &observer;
  MemoryStream stream(loop.context(), feed.max_write);
  service::Peer peer;
  peer.address = "192.0.2.1";
  net::Connection<MemoryStream> connection(stream, context, peer);
  TaskGroup group;
  group.spawn(connection.run());

  Exchanged result;
  result.settled = settle(loop);
  const auto send = [&](std::string_view segment) {
    stream.send(segment);
    if (feed.settle) result.settled = settle(loop) && result.settled;
  };
  if (feed.one_by_one) {
    for (std::size_t i = 0; i < bytes.size(); ++i) send(bytes.substr(i, 1));
  } else {
    std::size_t begin = 0;
    for (const auto cut : feed.cuts) {
      send(bytes.substr(begin, cut - begin));
      begin = cut;
    }
    send(bytes.substr(begin));
  }
  result.settled = settle(loop) && result.settled;
  result.answers = stream.received();
  result.closed = stream.received_end();
  result.observed = observer.statuses;
  result.to_head = observer.to_head;

  stream.send_end();
  settle(loop);
  result.finished = group.size() == 0;
  if (!result.finished) {  // so that nothing outlives its connection
    connection.abort();
    settle(loop);
  }
  result.answers_at_end = stream.received().substr(result.answers.size());
  return result;
}

struct Answer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool until_close = false;  // only the end of the connection ends the body

  // nullptr when there is none; several of one name: the first.
  const std::string* header(std::string_view name) const {
    for (const auto& [own_name, value] : headers)
      if (ascii::equal_ignoring_case(own_name, name)) return &value;
    return nullptr;
  }
};

namespace detail {

inline std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

inline std::string take_chunked(std::string_view& text, std::string& error) {
  std::string body;
  while (true) {
    const auto line = take_line(text);
    std::size_t size = 0;
    if (!line || std::from_chars(line->data(), line->data() + line->size(), size, 16).ptr != line->data() + line->size() ||
        line->empty() || size > text.size()) {
      error = "a chunk size is malformed or the chunk is cut off";
      return body;
    }
    body += text.substr(0, size);
    text.remove_prefix(size);
    if (!text.starts_with("\r\n")) error = "no CRLF after a chunk";
    if (!error.empty()) return body;
    text.remove_prefix(2);
    if (size == 0) return body;
  }
}

}  // namespace detail

// Takes one answer off the front, with framing checked as strictly as a client may (RFC 9112 §6). `error` says what is
// wrong.
inline Answer take_answer(std::string_view& text, bool to_head, std::string& error) {
  Answer answer;
  const auto status_line = detail::take_line(text);
  if (!status_line || status_line->size() < 13 || !status_line->starts_with("HTTP/1.1 ") || (*status_line)[12] != ' ' ||
      std::from_chars(status_line->data() + 9, status_line->data() + 12, answer.status).ptr != status_line->data() + 12) {
    error = "a malformed status line";
    return answer;
  }
  while (true) {
    const auto line = detail::take_line(text);
    if (!line) {
      error = "a head without end";
      return answer;
    }
    if (line->empty()) break;
    const auto colon = line->find(':');
    if (colon == std::string_view::npos || !ascii::is_token(line->substr(0, colon))) {
      error = "a malformed field";
      return answer;
    }
    answer.headers.emplace_back(line->substr(0, colon), ascii::trim(line->substr(colon + 1)));
  }
  const auto* length = answer.header("Content-Length");
  const auto* coding = answer.header("Transfer-Encoding");
  const bool has_no_content = answer.status < 200 || answer.status == 204;
  if (length && coding) error = "Content-Length and Transfer-Encoding together";
  if (has_no_content && (length || coding)) error = "framing fields in an answer that never has content";
  if (!error.empty() || has_no_content || answer.status == 304 || to_head) return answer;
  if (coding) {
    answer.body = detail::take_chunked(text, error);
  } else if (length) {
    std::size_t size = 0;
    std::from_chars(length->data(), length->data() + length->size(), size);
    if (size > text.size()) error = "a body shorter than its Content-Length";
    answer.body = text.substr(0, size);
    text.remove_prefix(answer.body.size());
  } else {
    answer.until_close = true;
    answer.body = text;
    text = {};
  }
  return answer;
}

// The parts of an answer that must be the same however the request was cut: all but times, made-up ids and a problem's
// wording.
inline std::string comparable(const Answer& answer) {
  const auto* type = answer.header("Content-Type");
  const bool is_problem = type && *type == http::kProblemJson;
  std::string text = std::to_string(answer.status) + "\n";
  for (const auto& [name, value] : answer.headers) {
    if (name == "Date" || name == "X-Request-Id" || name == "Server-Timing") continue;
    if (is_problem && name == "Content-Length") continue;
    text += name + ": " + value + "\n";
  }
  text += "\n";
  if (!is_problem) return text + answer.body + "\n";
  const auto problem = nlohmann::json::parse(answer.body, nullptr, false);
  return text + (problem.is_object() ? problem.value("code", "no code") : "no JSON: " + answer.body) + "\n";
}

}  // namespace tandem::support
