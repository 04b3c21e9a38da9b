// Answers that wait to be written on one lane: gathered while a batch runs, then one write.
// Thread: the lane's executor.
#pragma once

#include <cstddef>
#include <string>

namespace tandem::python {

class Outbox {
 public:
  explicit Outbox(int socket) : socket_(socket) {}

  // Frames are appended here.
  std::string& out() { return out_; }
  bool empty() const { return out_.empty(); }
  // That wait to be written.
  std::size_t bytes() const { return out_.size() - sent_; }
  int socket() const { return socket_; }

  // Writes as much as the socket takes; true when nothing is left. What can't be written because the front has gone is
  // dropped.
  bool flush();

 private:
  void drop_sent();

  int socket_;
  std::string out_;
  std::size_t sent_ = 0;
};

}  // namespace tandem::python
