#include "admin/event_client.hpp"

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "admin/admin_url.hpp"

namespace tandem::admin {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

// The server tells something every second; one that is silent for so long is taken to be gone.
constexpr std::chrono::seconds kSilence{15};
constexpr std::size_t kMaxRefusal = 64 * 1024;

}  // namespace

void EventReader::read(std::string_view bytes) {
  for (const char c : bytes) {
    const bool is_rest_of_end = is_after_cr_ && c == '\n';
    is_after_cr_ = c == '\r';
    if (is_rest_of_end) continue;
    if (c == '\r' || c == '\n') {
      read_line(line_);
      line_.clear();
    } else {
      line_ += c;
    }
  }
}

void EventReader::read_line(std::string_view line) {
  if (line.empty()) {
    if (!data_.empty()) {
      data_.pop_back();
      told_(name_.empty() ? "message" : name_, data_);
    }
    name_.clear();
    data_.clear();
    return;
  }
  const auto colon = line.find(':');
  const auto field = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") name_ = value;
  if (field == "data") data_.append(value) += '\n';
}

// What the handlers of unfinished operations keep; after stop() they call nobody.
class EventClient::Watching : public std::enable_shared_from_this<Watching> {
 public:
  Watching(asio::io_context& context, AdminClientOptions options, EventReader::Told told,
           std::function<void(const Error&)> lost)
      : options_(std::move(options)),
        told_(std::move(told)),
        lost_(std::move(lost)),
        resolver_(context),
        stream_(context),
        timer_(context) {}

  void begin() {
    asio::post(timer_.get_executor(), [self = shared_from_this()] {
      if (!self->is_stopped_) self->find();
    });
  }

  void stop() {
    is_stopped_ = true;
    resolver_.cancel();
    stream_.close();
    timer_.cancel();
  }

 private:
  using Endpoint = asio::generic::stream_protocol::endpoint;

  void find() {
    const auto address = parse_admin_url(options_.url);
    if (!address) return pause(address.error());
    request_ = {beast::http::verb::get, "/api/v1/events", 11};
    request_.set(beast::http::field::host, address->authority());
    request_.set(beast::http::field::user_agent, "tandem");
    request_.set(beast::http::field::accept, "text/event-stream");
    if (!options_.token.empty()) request_.set(beast::http::field::authorization, "Bearer " + options_.token);
    if (address->host.empty()) {
      endpoints_ = {asio::local::stream_protocol::endpoint(address->path)};
      return connect(0);
    }
    resolver_.async_resolve(address->host, address->port, [self = shared_from_this()](error_code error, const auto& found) {
      if (self->is_stopped_) return;
      if (error) return self->pause(self->no_server(error));
      self->endpoints_.clear();
      for (const auto& entry : found) self->endpoints_.emplace_back(entry.endpoint());
      self->connect(0);
    });
  }

  // "localhost" may be ::1 and 127.0.0.1, and the server listen on one of them.
  void connect(std::size_t which) {
    stream_.expires_after(options_.timeout);
    stream_.async_connect(endpoints_[which], [self = shared_from_this(), which](error_code error) {
      if (self->is_stopped_) return;
      if (!error) return self->ask();
      self->stream_.close();
      if (which + 1 < self->endpoints_.size()) return self->connect(which + 1);
      self->pause(self->no_server(error));
    });
  }

  void ask() {
    stream_.expires_after(options_.timeout);
    beast::http::async_write(stream_, request_, [self = shared_from_this()](error_code error, std::size_t) {
      if (self->is_stopped_) return;
      if (error) return self->pause(self->no_server(error));
      self->read_head();
    });
  }

  void read_head() {
    input_.clear();
    parser_.emplace();
    parser_->body_limit(boost::none);
    reader_.emplace(told_);
    stream_.expires_after(options_.answer_timeout);
    beast::http::async_read_header(stream_, input_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (self->is_stopped_) return;
      if (error) return self->pause(self->broken(error));
      self->read_body();
    });
  }

  void read_body() {
    auto& body = parser_->get().body();
    body.data = bytes_.data();
    body.size = bytes_.size();
    body.more = true;
    stream_.expires_after(kSilence);
    beast::http::async_read_some(stream_, input_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!self->is_stopped_) self->took(error);
    });
  }

  void took(error_code error) {
    if (error == beast::http::error::need_buffer) error = {};
    const std::string_view bytes(bytes_.data(), bytes_.size() - parser_->get().body().size);
    const bool is_stream = parser_->get().result() == beast::http::status::ok;
    if (is_stream) {
      reader_->read(bytes);
    } else if (refusal_.size() < kMaxRefusal) {
      refusal_ += bytes;
    }
    if (is_stopped_) return;
    if (!error && !parser_->is_done()) return read_body();
    if (!is_stream) {
      const AdminAnswer answer{static_cast<int>(parser_->get().result_int()), std::exchange(refusal_, {})};
      return pause(Error("command.refused", options_.url + std::string(request_.target()) + " " + describe_refusal(answer)));
    }
    pause(error ? broken(error) : no_server(asio::error::eof));
  }

  void pause(const Error& error) {
    stream_.close();
    timer_.expires_after(kPause);
    timer_.async_wait([self = shared_from_this()](error_code) {
      if (!self->is_stopped_) self->find();
    });
    lost_(error);
  }

  Error no_server(const error_code& error) const { return no_server_at(options_.url, error); }
  Error broken(const error_code& error) const { return broken_answer_of(options_.url, error); }

  const AdminClientOptions options_;
  const EventReader::Told told_;
  const std::function<void(const Error&)> lost_;
  bool is_stopped_ = false;

  asio::ip::tcp::resolver resolver_;
  beast::basic_stream<asio::generic::stream_protocol> stream_;
  asio::steady_timer timer_;
  std::vector<Endpoint> endpoints_;
  beast::http::request<beast::http::empty_body> request_;
  beast::flat_buffer input_;
  std::optional<beast::http::response_parser<beast::http::buffer_body>> parser_;
  std::optional<EventReader> reader_;
  std::array<char, 64 * 1024> bytes_{};
  std::string refusal_;
};

EventClient::EventClient(asio::io_context& context, AdminClientOptions options, EventReader::Told told,
                         std::function<void(const Error&)> lost)
    : watching_(std::make_shared<Watching>(context, std::move(options), std::move(told), std::move(lost))) {}

EventClient::~EventClient() { watching_->stop(); }

void EventClient::start() { watching_->begin(); }

}  // namespace tandem::admin
