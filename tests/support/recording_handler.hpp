// A root Handler for tests of the connection: answers every path with a JSON description of the request it saw, and some
// paths with answers of a special shape.
//   /unread                the description, without looking at the body
//   /stream-in             reads the body piece by piece; /look-then-stream-in asks for the buffered body first
//   /later                 answers from a later round of the event loop
//   /chunked, /sized       "one, two, three" as a stream of unknown and of known length
//   /empty, /large         no body; 200,000 bytes
//   /204, /304             with a body that must not be sent
//   /problem, /close       404; a response that ends the connection
// Bytes from 0x80 on are described as Latin-1.
#pragma once

#include <boost/asio/post.hpp>
#include <coroutine>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "http/problem.hpp"
#include "service/handler.hpp"

namespace tandem::support {

inline std::string latin1_to_utf8(std::string_view bytes) {
  std::string text;
  for (char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xc0 | (byte >> 6)));
      text.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  return text;
}

class RecordingHandler final : public service::Handler {
 public:
  explicit RecordingHandler(std::uint64_t body_bytes) : body_bytes_(body_bytes) {}

  service::Outcome handle(http::Request& request, service::Call& call) const override {
    const auto path = request.path;
    if (!request.body->limit(body_bytes_))
      return http::problem_response(http::Problem(413, "http.body_too_large"), call.id());
    if (path == "/unread") return describe(request, {});
    if (path == "/stream-in") return stream_in(request, call);
    if (path == "/look-then-stream-in") {
      if (const auto body = request.body->buffered()) return describe(request, *body);
      return stream_in(request, call);
    }
    if (path == "/later") return describe_later(request, call);
    if (const auto body = request.body->buffered()) return answer(request, call, *body);
    return read_and_answer(request, call);
  }

 private:
  static constexpr std::size_t kLargestShown = 4096;

  // Suspends until the loop's next round.
  struct NextRound {
    Loop& loop;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiter) const {
      loop.post([awaiter] { awaiter.resume(); });
    }
    void await_resume() const noexcept {}
  };

  class Pieces final : public http::ResponseStream {
   public:
    Pieces(Loop& loop, bool is_sized) : loop_(loop), is_sized_(is_sized) {}

    std::optional<std::uint64_t> content_length() const override {
      return is_sized_ ? std::optional<std::uint64_t>(15) : std::nullopt;
    }
    Task<Result<std::string_view>> read() override {
      static constexpr std::string_view kPieces[] = {"one, ", "two, ", "three", ""};
      if (next_ == 1) co_await NextRound{loop_};
      co_return kPieces[next_ == 3 ? 3 : next_++];
    }

   private:
    Loop& loop_;
    const bool is_sized_;
    std::size_t next_ = 0;
  };

  static http::Response describe(const http::Request& request, std::string_view body) {
    nlohmann::ordered_json seen;
    seen["method"] = request.method_text;
    seen["target"] = latin1_to_utf8(request.target);
    seen["path"] = latin1_to_utf8(request.path);
    seen["query"] = latin1_to_utf8(request.query);
    seen["authority"] = latin1_to_utf8(request.authority);
    seen["scheme"] = request.scheme;
    seen["version"] = request.version == http::Version::http_1_0 ? "1.0" : "1.1";
    seen["headers"] = nlohmann::ordered_json::array();
    for (const auto& field : request.headers) {
      auto pair = nlohmann::ordered_json::array();
      pair.push_back(latin1_to_utf8(field.name));
      pair.push_back(latin1_to_utf8(field.value));
      seen["headers"].push_back(std::move(pair));
    }
    if (body.size() <= kLargestShown) seen["body"] = latin1_to_utf8(body);
    seen["body_bytes"] = body.size();
    return http::json_text(seen.dump());
  }

  static http::Response answer(const http::Request& request, service::Call& call, std::string_view body) {
    const auto path = request.path;
    if (path == "/chunked" || path == "/sized")
      return http::Response(200, http::kTextPlain, std::make_unique<Pieces>(call.loop, path == "/sized"));
    if (path == "/empty") return http::Response(200);
    if (path == "/large") return http::text(std::string(200000, 'x'));
    if (path == "/204") return http::Response(204, http::kTextPlain, std::string("not to be sent"));
    if (path == "/304") return http::Response(304, http::kTextPlain, std::string("not to be sent"));
    if (path == "/problem") return http::problem_response(http::Problem(404, "test.problem"), call.id());
    if (path == "/close") {
      auto response = http::text("bye");
      response.close = true;
      return response;
    }
    return describe(request, body);
  }

  static Task<http::Response> read_and_answer(http::Request& request, service::Call& call) {
    const auto body = co_await request.body->read_all();
    if (!body) co_return http::problem_response(http::problem_of(body.error()), call.id());
    co_return answer(request, call, *body);
  }

  static Task<http::Response> stream_in(http::Request& request, service::Call& call) {
    std::string body;
    while (true) {
      const auto piece = co_await request.body->read();
      if (!piece) co_return http::problem_response(http::problem_of(piece.error()), call.id());
      if (piece->empty()) co_return describe(request, body);
      body += *piece;
    }
  }

  static Task<http::Response> describe_later(http::Request& request, service::Call& call) {
    co_await NextRound{call.loop};
    co_await NextRound{call.loop};
    co_return describe(request, request.body_text());
  }

  const std::uint64_t body_bytes_;
};

}  // namespace tandem::support
