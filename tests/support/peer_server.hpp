// A small HTTP server on a thread of its own, for clients under test: what it answers and when is the test's choice.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tandem::test {

class PeerServer {
 public:
  // The bytes that answer a request's head; nullopt: none, ever; empty: the connection is closed.
  using Answer = std::function<std::optional<std::string>(const std::string& head)>;

  explicit PeerServer(Answer answer)
      : answer_(std::move(answer)),
        acceptor_(context_, boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
        freeze_timer_(context_) {
    accept();
  }
  ~PeerServer() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  // In every `period` it does nothing for `freeze`, at its beginning.
  void start(std::chrono::milliseconds freeze = {}, std::chrono::milliseconds period = {}) {
    if (freeze.count() > 0) keep_freezing(std::chrono::steady_clock::now(), freeze, period);
    thread_ = std::thread([this] { context_.run(); });
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  unsigned connections() const { return connections_; }
  unsigned requests() const { return requests_; }

  // Closes every connection there is, as a server does with those that rest too long. Returns when they are closed.
  void close_connections() {
    std::promise<void> done;
    boost::asio::post(context_, [this, &done] {
      for (const auto& known : sessions_)
        if (const auto session = known.lock()) session->socket.close();
      sessions_.clear();
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  struct Session {
    explicit Session(boost::asio::ip::tcp::socket connected) : socket(std::move(connected)) {}
    boost::asio::ip::tcp::socket socket;
    std::string input, output;
  };

  void accept() {
    acceptor_.async_accept([this](auto error, boost::asio::ip::tcp::socket socket) {
      if (error) return;
      ++connections_;
      const auto session = std::make_shared<Session>(std::move(socket));
      sessions_.push_back(session);
      read(session);
      accept();
    });
  }

  void read(const std::shared_ptr<Session>& session) {
    boost::asio::async_read_until(session->socket, boost::asio::dynamic_buffer(session->input), "\r\n\r\n",
                                  [this, session](auto error, std::size_t size) {
                                    if (error) return;
                                    ++requests_;
                                    auto output = answer_(session->input.substr(0, size));
                                    session->input.erase(0, size);
                                    if (!output) return waiting_.push_back(session);
                                    if (output->empty()) return;
                                    session->output = std::move(*output);
                                    write(session);
                                  });
  }

  void write(const std::shared_ptr<Session>& session) {
    boost::asio::async_write(session->socket, boost::asio::buffer(session->output),
                             [this, session](auto error, std::size_t) {
                               if (!error) read(session);
                             });
  }

  void keep_freezing(std::chrono::steady_clock::time_point begin, std::chrono::milliseconds freeze,
                     std::chrono::milliseconds period) {
    freeze_timer_.expires_at(begin);
    freeze_timer_.async_wait([this, begin, freeze, period](auto error) {
      if (error) return;
      std::this_thread::sleep_until(begin + freeze);
      keep_freezing(begin + period, freeze, period);
    });
  }

  Answer answer_;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer freeze_timer_;
  std::vector<std::shared_ptr<Session>> waiting_;
  std::vector<std::weak_ptr<Session>> sessions_;
  std::atomic<unsigned> connections_{0};
  std::atomic<unsigned> requests_{0};
  std::thread thread_;
};

inline std::string plain_answer(const std::string& body, int status = 200) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace tandem::test
