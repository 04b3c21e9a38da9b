#include "admin/admin_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "admin/admin_url.hpp"

namespace tandem::admin {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using Question = beast::http::request<beast::http::string_body>;
using Answer = beast::http::response<beast::http::string_body>;

constexpr std::uint64_t kMaxAnswerBytes = 64 * 1024 * 1024;

// Runs what was started on `context` to its end.
void run(asio::io_context& context) {
  context.restart();
  context.run();
}

// One exchange on `stream`, each step with the time-out. Nothing else runs on `context`.
template <class Stream, class Endpoint>
Result<Answer> exchange(asio::io_context& context, Stream& stream, const Endpoint& endpoint,
                        const AdminClientOptions& options, const Question& request) {
  error_code result;
  stream.expires_after(options.timeout);
  stream.async_connect(endpoint, [&result](error_code error) { result = error; });
  run(context);
  if (result) return no_server_at(options.url, result);

  stream.expires_after(options.timeout);
  beast::http::async_write(stream, request, [&result](error_code error, std::size_t) { result = error; });
  run(context);
  if (result) return no_server_at(options.url, result);

  beast::flat_buffer buffer;
  beast::http::response_parser<beast::http::string_body> parser;
  parser.body_limit(kMaxAnswerBytes);
  stream.expires_after(options.answer_timeout);
  beast::http::async_read(stream, buffer, parser, [&result](error_code error, std::size_t) { result = error; });
  run(context);
  if (result) return broken_answer_of(options.url, result);
  return parser.release();
}

Result<Answer> fetch(const AdminClientOptions& options, const AdminAddress& address, Question& request) {
  asio::io_context context;
  request.set(beast::http::field::host, address.authority());
  if (address.host.empty()) {
    beast::basic_stream<asio::local::stream_protocol> stream(context);
    return exchange(context, stream, asio::local::stream_protocol::endpoint(address.path), options, request);
  }
  error_code error;
  asio::ip::tcp::resolver resolver(context);
  const auto found = resolver.resolve(address.host, address.port, error);
  if (error) return no_server_at(options.url, error);
  // "localhost" may be ::1 and 127.0.0.1, and the server listen on one of them.
  Result<Answer> answer = no_server_at(options.url, asio::error::host_not_found);
  for (const auto& entry : found) {
    beast::basic_stream<asio::ip::tcp> stream(context);
    answer = exchange(context, stream, entry.endpoint(), options, request);
    if (answer || answer.error().code != "command.no_server") break;
  }
  return answer;
}

}  // namespace

Result<AdminAnswer> admin_ask(const AdminClientOptions& options, const AdminQuestion& question) {
  const auto address = parse_admin_url(options.url);
  if (!address) return address.error();
  Question request(beast::http::string_to_verb(question.method), question.path, 11);
  request.set(beast::http::field::user_agent, "tandem");
  request.set(beast::http::field::connection, "close");
  if (!options.token.empty()) request.set(beast::http::field::authorization, "Bearer " + options.token);
  if (!question.if_match.empty()) request.set(beast::http::field::if_match, question.if_match);
  if (!question.body.empty()) request.set(beast::http::field::content_type, "application/json");
  if (question.method != "GET") {
    request.body() = question.body;
    request.content_length(question.body.size());
  }
  auto answer = fetch(options, *address, request);
  if (!answer) return answer.error();
  return AdminAnswer{static_cast<int>(answer->result_int()), std::move(answer->body())};
}

Result<std::string> admin_get(const AdminClientOptions& options, const std::string& path) {
  auto answer = admin_ask(options, {"GET", path});
  if (!answer) return answer.error();
  if (answer->status != 200) return Error("command.refused", options.url + path + " " + describe_refusal(*answer));
  return std::move(answer->body);
}

Result<AdminAnswer> admin_post(const AdminClientOptions& options, const std::string& path) {
  return admin_ask(options, {"POST", path});
}

Error no_server_at(const std::string& url, const error_code& error) {
  const auto reason = error == beast::error::timeout ? "it takes too long" : error.message();
  return Error("command.no_server", "no server answers at " + url + " (" + reason + ")");
}

Error broken_answer_of(const std::string& url, const error_code& error) {
  if (error == beast::error::timeout || error == beast::http::error::end_of_stream || error == asio::error::connection_reset)
    return no_server_at(url, error);
  return Error("command.bad_answer", url + " does not speak HTTP as an admin side does: " + error.message());
}

std::string describe_refusal(const AdminAnswer& answer) {
  auto text = "was answered " + std::to_string(answer.status) + " " +
              std::string(beast::http::obsolete_reason(beast::http::int_to_status(static_cast<unsigned>(answer.status))));
  const auto problem = nlohmann::json::parse(answer.body, nullptr, false);
  if (!problem.is_object()) return text;
  if (problem.contains("code") && problem["code"].is_string()) text += " (" + problem["code"].get<std::string>() + ")";
  if (problem.contains("detail") && problem["detail"].is_string()) text += ": " + problem["detail"].get<std::string>();
  return text;
}

}  // namespace tandem::admin
