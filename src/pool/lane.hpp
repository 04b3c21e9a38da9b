// One loop's end of the socket to one executor of one worker. Collects what is sent during a poll round and writes it at
// once; reads what has arrived and hands the frames of one read to the LoopDispatch together. Thread: the loop's.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "frames/frame.hpp"
#include "pool/worker_link.hpp"

namespace tandem::pool {

class LoopDispatch;

class Lane {
 public:
  Lane(LoopDispatch& home, std::shared_ptr<WorkerLink> link, Executor& executor, Descriptor socket);

  Executor& executor() const { return executor_; }
  const std::shared_ptr<WorkerLink>& link() const { return link_; }
  bool closed() const { return closed_; }
  // No operation is under way any more: a closed lane may be destroyed.
  bool settled() const { return !reading_ && !waiting_to_write_; }

  // Where to append frames; they leave at the end of the poll round.
  std::string& output();

  void start() { read(); }
  // Writes what has gathered, as far as the socket takes it.
  void flush();
  // The worker is gone: what it had sent is still read, then the lane ends, even if a child of the worker holds the other
  // end.
  void drain();
  void close();

 private:
  friend class LoopDispatch;
  static constexpr std::size_t kReadBytes = 64 * 1024;

  void read();
  void on_read(const boost::system::error_code& error, std::size_t count);
  // False: the worker speaks nonsense.
  bool take_frames();

  LoopDispatch& home_;
  const std::shared_ptr<WorkerLink> link_;
  Executor& executor_;
  boost::asio::local::stream_protocol::socket socket_;
  frames::Reader reader_;
  std::string out_;
  std::size_t written_ = 0;  // of out_
  bool dirty_ = false;       // listed for the next flush
  bool reading_ = false;
  bool waiting_to_write_ = false;
  bool closed_ = false;
};

}  // namespace tandem::pool
