#include "steering/webhook.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <utility>

#include "base/log.hpp"
#include "base/thread.hpp"

namespace tandem::steering {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

struct Url {
  std::string authority;
  std::string host;
  std::string port = "80";
  std::string target = "/";
};

Result<Url> parse_url(const std::string& text) {
  constexpr std::string_view kScheme = "http://";
  if (text.rfind(kScheme, 0) != 0) return Error("\"" + text + "\" is no URL that begins with http://");
  Url url;
  const auto slash = text.find('/', kScheme.size());
  url.authority = text.substr(kScheme.size(), slash == std::string::npos ? slash : slash - kScheme.size());
  if (slash != std::string::npos) url.target = text.substr(slash);
  url.host = url.authority;
  const auto colon = url.host.rfind(':');
  if (colon != std::string::npos && url.host.find(']', colon) == std::string::npos) {
    url.port = url.host.substr(colon + 1);
    url.host.erase(colon);
  }
  if (url.host.starts_with('[') && url.host.ends_with(']')) url.host = url.host.substr(1, url.host.size() - 2);
  if (url.host.empty() || url.port.empty()) return Error("\"" + text + "\" names no host");
  return url;
}

// One exchange after the other on a stream with one deadline; the last step's outcome is `result`.
class Exchange {
 public:
  Exchange(asio::io_context& context, const Url& url, const std::string& document, Milliseconds timeout)
      : resolver_(context), stream_(context), request_(beast::http::verb::post, url.target, 11) {
    request_.set(beast::http::field::host, url.authority);
    request_.set(beast::http::field::user_agent, "tandem");
    request_.set(beast::http::field::content_type, "application/json");
    request_.set(beast::http::field::connection, "close");
    request_.body() = document;
    request_.prepare_payload();
    stream_.expires_after(timeout);
    resolver_.async_resolve(url.host, url.port, [this](error_code error, const auto& found) { connect(error, found); });
  }

  error_code result;
  unsigned status() const { return response_.result_int(); }

 private:
  bool failed(error_code error) {
    result = error;
    return static_cast<bool>(error);
  }
  void connect(error_code error, const tcp::resolver::results_type& found) {
    if (failed(error)) return;
    stream_.async_connect(found, [this](error_code failure, const auto&) { write(failure); });
  }
  void write(error_code error) {
    if (failed(error)) return;
    beast::http::async_write(stream_, request_, [this](error_code failure, std::size_t) { read(failure); });
  }
  void read(error_code error) {
    if (failed(error)) return;
    beast::http::async_read(stream_, buffer_, response_, [this](error_code failure, std::size_t) { failed(failure); });
  }

  tcp::resolver resolver_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  beast::http::request<beast::http::string_body> request_;
  beast::http::response<beast::http::string_body> response_;
};

}  // namespace

Result<void> post_json(const std::string& url, const std::string& document, Milliseconds timeout) {
  const auto parsed = parse_url(url);
  if (!parsed) return parsed.error();
  asio::io_context context;
  Exchange exchange(context, *parsed, document, timeout);
  // A resolver has no deadline of its own: what has not ended by then is left.
  context.run_for(timeout + Milliseconds(100));
  if (!context.stopped() || exchange.result == beast::error::timeout) return Error("it takes too long");
  if (exchange.result) return Error(exchange.result.message());
  if (exchange.status() / 100 != 2) return Error("it answered " + std::to_string(exchange.status()));
  return {};
}

void Webhook::send(std::string url, std::string document) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  if (waiting_.size() == kMaxWaiting) {
    log().warn("webhook {}: it can't keep up, a message is dropped", url);
    return;
  }
  waiting_.push_back({std::move(url), std::move(document)});
  if (!thread_.joinable()) thread_ = start_thread("tandem-hook", [this] { run(); });
  changed_.notify_one();
}

void Webhook::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Webhook::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const auto message = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    if (const auto sent = post_json(message.url, message.document, timeout_); !sent)
      log().warn("webhook {}: {}", message.url, sent.error().message);
    lock.lock();
  }
}

}  // namespace tandem::steering
