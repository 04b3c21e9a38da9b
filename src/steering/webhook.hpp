// Tells a URL of each change, without anybody waiting for it: a thread of its own, two seconds for each, no second try. What
// it can't keep up with is dropped and said so in the log.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace tandem::steering {

// POST of a JSON document to "http://HOST[:PORT]/path". Errors, in words: nobody answers, not in time, or not with 2xx.
// Thread: one that may block.
Result<void> post_json(const std::string& url, const std::string& document, Milliseconds timeout);

class Webhook {
 public:
  explicit Webhook(Milliseconds timeout = Milliseconds(2000)) : timeout_(timeout) {}
  ~Webhook() { stop(); }

  // Thread: any; waits for nothing.
  void send(std::string url, std::string document);
  // Ends the thread after the message under way; what waits is dropped. Thread: not its own.
  void stop();

 private:
  static constexpr std::size_t kMaxWaiting = 64;

  struct Message {
    std::string url;
    std::string document;
  };
  void run();

  const Milliseconds timeout_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Message> waiting_;
  bool stopping_ = false;
  std::thread thread_;  // started by the first message
};

}  // namespace tandem::steering
